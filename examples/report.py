"""Many questions to a Markdown table, several at a time: an app is safe to share between threads."""

from concurrent.futures import ThreadPoolExecutor

from rag_app import Answer, RagApp

QUESTIONS = (
    "Where is the Ollama server log on Windows?",
    "终端里中文显示成乱码，应该执行什么命令？",
    "Who won the football match?",
)


def row(answer: Answer) -> str:
    sources = "; ".join(f"{one.document}, {one.where(answer.language)}" for one in answer.citations)
    first = answer.text.splitlines()[0] if not answer.refused else "–"
    return f"| {answer.question} | {first} | {sources} |"


with RagApp.open() as app, ThreadPoolExecutor(3) as threads:
    print("| Question | Answer | Sources |\n|---|---|---|")
    for answer in threads.map(app.ask, QUESTIONS):
        print(row(answer))
