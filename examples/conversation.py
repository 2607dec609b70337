"""A conversation that is stored: the follow-up question is made to stand alone."""

from rag_app import RagApp

with RagApp.open() as app:
    conversation = app.conversation()
    for question in ("Where is the Ollama server log on Windows?", "And on Linux?"):
        stream = conversation.stream(question)
        answer = stream.answer
        print(f"> {question}   (searched for: {stream.rewritten})")
        print(answer.text)
    print(conversation.export("markdown"))
