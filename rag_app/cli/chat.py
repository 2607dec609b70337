"""``rag-app chat``: a stored conversation on the terminal."""

import sys
from contextlib import suppress
from typing import Annotated

import typer

from ingest.errors import UserError

from ..app import RagApp
from ..chat.conversation import Conversation
from ..chat.conversation_stream import ConversationStream
from ..errors import ConversationError
from . import completing
from .answers import as_json, show
from .conversations import show_messages
from .output import Output
from .session import session
from .texts import Texts

_COMMANDS = {
    "/exit": "exit",
    "/quit": "exit",
    "/退出": "exit",
    "/retry": "retry",
    "/重试": "retry",
    "/edit": "edit",
    "/修改": "edit",
    "/as": "as",
    "/理解为": "as",
    "/help": "help",
    "/帮助": "help",
}


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the command."""

    @app.command(help=texts.help("cli.chat", "rag-app chat --kb work"))
    def chat(
        kb: Annotated[str | None, texts.kb_option()] = None,
        continue_: Annotated[bool, typer.Option("--continue", "-c", help=texts("cli.chat_continue"))] = False,
        identifier: Annotated[
            int | None,
            typer.Option(
                "--conversation",
                metavar="ID",
                help=texts("cli.chat_conversation"),
                show_default=False,
                autocompletion=completing.conversations,
            ),
        ] = None,
        json: Annotated[bool, typer.Option("--json", help=texts("cli.chat_json"))] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            conversation = _opened(rag, kb, identifier, latest=continue_)
            rag.preload()
            if not json:
                output.note(output.texts("cli.chat_hello"))
                show_messages(conversation.messages, output)
            while (line := _read(output)) is not None:
                with suppress(KeyboardInterrupt):  # stops this answer, not the conversation
                    try:
                        _do(conversation, line, output)
                    except UserError as error:
                        output.error(error)


def _opened(rag: RagApp, kb: str | None, identifier: int | None, *, latest: bool) -> Conversation:
    if identifier is None and latest:
        stored = rag.conversations(kb=kb)
        identifier = stored[0].id if stored else None
    return rag.conversation(identifier, kb)


def _do(conversation: Conversation, line: str, output: Output) -> None:
    """Answer a question, or do what a command says."""
    word, _, rest = line.partition(" ")
    command = _COMMANDS.get(word)
    if not line:
        return
    if command == "help":
        output.note(output.texts("cli.chat_help"))
    elif command is None:
        _show(conversation.stream(line), output)
    else:
        _show(_again(conversation, command, rest.strip()), output)


def _show(stream: ConversationStream, output: Output) -> None:
    if not output.json:
        show(stream, output)
        return
    print(output.one_line(as_json(stream.answer)), flush=True)


def _again(conversation: Conversation, command: str, text: str) -> ConversationStream:
    """The last question once more: as it is, in other words, or understood otherwise."""
    asked = [one for one in conversation.messages if one.role == "user"]
    if not asked:
        raise ConversationError("conversation.nothing_asked")
    if command == "retry":
        return conversation.regenerate(asked[-1])
    return (
        conversation.edit(asked[-1], text) if command == "edit" else conversation.edit(asked[-1], asked[-1].text, text)
    )


def _read(output: Output) -> str | None:
    """A line, "" for an empty one, None at the end."""
    try:
        if sys.stdin.isatty():
            output.line()
        line = input("> " if sys.stdin.isatty() else "").strip()
    except (EOFError, KeyboardInterrupt):
        return None
    return None if _COMMANDS.get(line) == "exit" else line
