"""What ``/v1/chat/completions`` takes. Sampling is the app's own business: such fields are accepted and ignored."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StringConstraints

from ..types import Filters as Chosen

Word = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
_Words = Annotated[list[Word], Field(max_length=100)]
Day = Annotated[date, BeforeValidator(lambda given: given if isinstance(given, str) else "")]  # no number of seconds
_MOST_MESSAGES = 4096
_MOST_PARTS = 64


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FilterOptions(_Strict):
    """What to search in: values of one kind are alternatives, each kind narrows further; empty means all."""

    documents: _Words = Field(default=[], description="File names.")
    folders: _Words = Field(default=[], description="Folders, with all that is below them.")
    types: _Words = Field(default=[], description="Formats or suffixes: pdf, .docx, markdown.")
    tags: _Words = []
    since: Day | None = Field(default=None, description="First day on which the file was changed.")
    until: Day | None = Field(default=None, description="Last day on which the file was changed.")

    def chosen(self) -> Chosen:
        """As the engine has them."""
        kinds = tuple(self.documents), tuple(self.folders), tuple(self.types), tuple(self.tags)
        return Chosen(*kinds, self.since, self.until)


class RagOptions(_Strict):
    """What is ours: clients send it as ``extra_body={"rag": {…}}``."""

    references: StrictBool | None = Field(
        default=None, description="Whether the text ends with a list of its sources; the setting serve_references."
    )
    knowledge_bases: _Words = Field(default=[], description="Search these instead of the one that the model names.")
    filters: FilterOptions | None = None


class StreamOptions(BaseModel):
    """OpenAI's."""

    include_usage: StrictBool = Field(default=False, description="A last chunk with the tokens used.")


class TextPart(BaseModel):
    """Text of a message."""

    type: Literal["text"]
    text: str


class ImageUrl(BaseModel):
    """An image, in the message itself."""

    url: str = Field(description="data:image/png;base64,… — addresses of other servers are refused, never fetched.")
    detail: str | None = None


class ImagePart(BaseModel):
    """An image of a message."""

    type: Literal["image_url"]
    image_url: ImageUrl


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class Message(BaseModel):
    """One message of a conversation; what clients keep beside ``role`` and ``content`` is ignored."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[Part], Field(max_length=_MOST_PARTS)] | None = None


class TextFormat(BaseModel):
    """Answers are text."""

    type: Literal["text"]


_IGNORED = "Accepted and ignored."


class ChatRequest(_Strict):
    """A question with the conversation before it."""

    model: Word = Field(description="rag: and the name of a knowledge base, as /v1/models lists them.")
    messages: list[Message] = Field(
        min_length=1,
        max_length=_MOST_MESSAGES,
        description="The last one is the question. System messages are ignored: the instructions are the app's own.",
    )
    stream: StrictBool | None = False
    stream_options: StreamOptions | None = None
    rag: RagOptions | None = None

    n: Literal[1] | None = Field(default=None, description="One answer.")
    response_format: TextFormat | None = Field(default=None, description="Text only.")
    tools: Annotated[list[Any], Field(max_length=0)] | None = Field(default=None, description="None are supported.")
    functions: Annotated[list[Any], Field(max_length=0)] | None = Field(default=None, description="None are supported.")
    tool_choice: Literal["none", "auto"] | None = Field(default=None, description=_IGNORED)
    function_call: Literal["none", "auto"] | None = Field(default=None, description=_IGNORED)
    logprobs: Literal[False] | None = Field(default=None, description="There are none.")
    top_logprobs: Literal[0] | None = Field(default=None, description="There are none.")
    modalities: list[Literal["text"]] | None = Field(default=None, description="Text only.")

    temperature: float | None = Field(default=None, ge=0, le=2, description=_IGNORED)
    top_p: float | None = Field(default=None, ge=0, le=1, description=_IGNORED)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2, description=_IGNORED)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2, description=_IGNORED)
    max_tokens: StrictInt | None = Field(default=None, description=f"{_IGNORED} The setting answer_tokens holds.")
    max_completion_tokens: StrictInt | None = Field(
        default=None, description=f"{_IGNORED} The setting answer_tokens holds."
    )
    seed: StrictInt | None = Field(default=None, description=_IGNORED)
    stop: str | list[str] | None = Field(default=None, description=_IGNORED)
    user: str | None = Field(default=None, description=_IGNORED)
    logit_bias: dict[str, float] | None = Field(default=None, description=_IGNORED)
    metadata: dict[str, Any] | None = Field(default=None, description=_IGNORED)
    store: StrictBool | None = Field(default=None, description="Nothing of a conversation is stored.")
    parallel_tool_calls: StrictBool | None = Field(default=None, description=_IGNORED)
    moderation: Any = Field(default=None, description=_IGNORED)
    prediction: Any = Field(default=None, description=_IGNORED)
    prompt_cache_key: Any = Field(default=None, description=_IGNORED)
    prompt_cache_options: Any = Field(default=None, description=_IGNORED)
    prompt_cache_retention: Any = Field(default=None, description=_IGNORED)
    safety_identifier: Any = Field(default=None, description=_IGNORED)
    service_tier: Any = Field(default=None, description=_IGNORED)
    reasoning_effort: Any = Field(default=None, description=f"{_IGNORED} The setting thinking holds.")
    verbosity: Any = Field(default=None, description=_IGNORED)
    web_search_options: Any = Field(default=None, description=f"{_IGNORED} Nothing is searched but the documents.")

    # of other servers, as chat clients send them
    top_k: Any = Field(default=None, description=_IGNORED)
    top_a: Any = Field(default=None, description=_IGNORED)
    min_p: Any = Field(default=None, description=_IGNORED)
    typical_p: Any = Field(default=None, description=_IGNORED)
    tfs_z: Any = Field(default=None, description=_IGNORED)
    repetition_penalty: Any = Field(default=None, description=_IGNORED)
    repeat_penalty: Any = Field(default=None, description=_IGNORED)
    repeat_last_n: Any = Field(default=None, description=_IGNORED)
    mirostat: Any = Field(default=None, description=_IGNORED)
    mirostat_eta: Any = Field(default=None, description=_IGNORED)
    mirostat_tau: Any = Field(default=None, description=_IGNORED)
    num_ctx: Any = Field(default=None, description=_IGNORED)
    num_predict: Any = Field(default=None, description=_IGNORED)
    keep_alive: Any = Field(default=None, description=_IGNORED)
    options: Any = Field(default=None, description=_IGNORED)
    think: Any = Field(default=None, description=_IGNORED)
    thinking: Any = Field(default=None, description=_IGNORED)
    thinking_budget: Any = Field(default=None, description=_IGNORED)
    enable_thinking: Any = Field(default=None, description=_IGNORED)
    chat_template_kwargs: Any = Field(default=None, description=_IGNORED)
    reasoning: Any = Field(default=None, description=_IGNORED)
    include_reasoning: Any = Field(default=None, description=_IGNORED)
    enable_search: Any = Field(default=None, description=_IGNORED)
    extra_body: Any = Field(default=None, description=_IGNORED)
    chat_id: Any = Field(default=None, description=_IGNORED)
    session_id: Any = Field(default=None, description=_IGNORED)
    id: Any = Field(default=None, description=_IGNORED)
