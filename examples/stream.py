"""An answer as it is written, and what it is checked to be."""

from rag_app import RagApp, Thought, Withdrawn

with RagApp.open() as app:
    stream = app.stream("How large is the KV cache per token without grouped-query attention?")
    for event in stream.events():
        if isinstance(event, str):
            print(event, end="", flush=True)
        elif isinstance(event, Withdrawn):
            print("\nNothing of this was in the documents.", event.text)
        elif isinstance(event, Thought):
            pass  # what a model that thinks says to itself
    answer = stream.answer
    print("\nrefused:", answer.refused, "· model:", answer.model)
    for sentence in answer.sentences:  # of a language model's answer
        print(sentence.support, answer.text[sentence.start : sentence.end])
