"""Errors of the engine.

::

    ingest.errors.UserError
    └── RagError
        ├── SettingsError              a setting is unknown, of the wrong type, or its folder can't be used
        ├── KnowledgeBaseError
        │   ├── UnknownKnowledgeBase
        │   ├── KnowledgeBaseExists
        │   └── BadKnowledgeBaseName
        ├── UnknownDocument
        ├── NotLocated                 a citation's place can't be shown: its file is gone, or changed
        ├── BadTag                     empty, or too long
        ├── QuestionError              empty, or too long
        ├── ConversationError          what is asked of a conversation can't be done
        │   └── UnknownConversation
        ├── StorageError
        │   ├── StorageLocked          another process is writing
        │   └── NotErased              deleted text was found on the disk
        ├── DatasetError               evaluation data, or a saved report, can't be read
        ├── ArchiveError               an exported knowledge base can't be written, read or trusted
        ├── EmbedderError              no embedding model or reranker, or not the one the index was made with
        └── ModelError                 the answering model
            ├── OllamaUnreachable      nothing answers at the address
            ├── ModelNotInstalled
            ├── PromptTooLong          what can't be made shorter does not fit into the model's context
            ├── ModelBusy              the server's queue is full
            ├── ModelRefused           the server does not let us in
            └── NotSupported           the model can't do what was asked: images, thinking, chat

Third-party exceptions are turned into these at the module that owns the package.
"""

from __future__ import annotations

from ingest.errors import UserError


class RagError(UserError):
    """Base of all errors of the engine."""


class SettingsError(RagError):
    """A setting is unknown, of the wrong type, or its folder can't be used."""


class KnowledgeBaseError(RagError):
    """Something is wrong with a knowledge base's name."""


class UnknownKnowledgeBase(KnowledgeBaseError):
    """No knowledge base of that name."""


class KnowledgeBaseExists(KnowledgeBaseError):
    """The name is taken."""


class BadKnowledgeBaseName(KnowledgeBaseError):
    """The name can't be used."""


class UnknownDocument(RagError):
    """No stored document under that path."""


class NotLocated(RagError):
    """The place of a citation can't be shown: its file is gone, or is not the one that was read."""


class BadTag(RagError):
    """A tag is empty or too long."""


class QuestionError(RagError):
    """The question is empty or too long."""


class ConversationError(RagError):
    """What is asked of a conversation can't be done."""


class UnknownConversation(ConversationError):
    """No stored conversation, or no message of it, has that id."""


class StorageError(RagError):
    """The data folder can't be read or written."""


class StorageLocked(StorageError):
    """Another process is writing to the data folder."""


class NotErased(StorageError):
    """Deleted text was found in the data folder."""


class ArchiveError(RagError):
    """An exported knowledge base can't be written, can't be read, or is damaged."""


class DatasetError(RagError):
    """Evaluation data or a saved report can't be read or written."""


class EmbedderError(RagError):
    """The embedding model can't be had, or is not the one the index was made with."""


class ModelError(RagError):
    """The answering model failed."""


class OllamaUnreachable(ModelError):
    """Nothing answers at the Ollama address."""


class ModelNotInstalled(ModelError):
    """Ollama answers but does not have the model."""


class PromptTooLong(ModelError):
    """The prompt does not fit into the model's context.

    Attributes:
        tokens: of the prompt as the model counts them, None where it did not say. context: what there is room for.
    """

    def __init__(self, key: str, /, *, tokens: int | None, context: int | None, **values: object) -> None:
        super().__init__(key, prompt=tokens or "?", context=context or "?", **values)
        self.tokens = tokens
        self.context = context


class ModelBusy(ModelError):
    """The server has as many requests waiting as it takes."""


class ModelRefused(ModelError):
    """The server does not let us in: Host, Origin or key."""


class NotSupported(ModelError):
    """The model can't do what was asked of it."""
