"""``rag-app settings …``: what is set, where that comes from, and what else it could be."""

from typing import Annotated

import typer

from ..errors import SettingsError
from ..settings import Settings, language
from ..settings_view import SettingView, change, view
from . import completing
from .output import Output
from .shapes import SettingJson
from .texts import Texts

_SWITCHES = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the commands; they need no session: settings are looked at where the app can't be opened."""
    group = typer.Typer(help=texts("cli.settings"), no_args_is_help=True, rich_markup_mode="markdown")
    app.add_typer(group, name="settings")
    name_argument = typer.Argument(metavar="NAME", show_default=False, autocompletion=completing.settings)

    @group.command("list", help=texts.help("cli.settings_list", "rag-app settings list"))
    def list_(json: Annotated[bool, texts.json_option()] = False) -> None:
        settings, output = _start(json=json)
        views = view(settings).values()
        if json:
            output.print_json({"settings": [_as_json(one, output) for one in views]})
            return
        columns = [output.texts(f"cli.column_{name}") for name in ("setting", "value", "from")]
        output.table(columns, [(one.name, str(one.value), _source(one, output)) for one in views])

    @group.command(help=texts.help("cli.settings_get", "rag-app settings get model"))
    def get(
        name: Annotated[str, name_argument],
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        settings, output = _start(json=json)
        one = _known(name, view(settings))
        if json:
            output.print_json(_as_json(one, output))
            return
        output.line(str(one.value))
        output.note(output.texts(f"setting.{one.name}"))
        output.note(_source(one, output))
        if one.choices:
            output.note(output.texts("cli.settings_choices", choices=", ".join(one.choices)))

    @group.command("set", help=texts.help("cli.settings_set", "rag-app settings set passages 8"))
    def set_(
        name: Annotated[str, name_argument],
        value: Annotated[str, typer.Argument(metavar="VALUE", show_default=False)],
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        settings, output = _start(json=json)
        one = _known(name, view(settings))
        given = _typed(one, value)
        file = change(one.name, given, at_machine=True)
        shown = "…" if one.value == "…" or "key" in name or "password" in name else given
        output.report({"name": name, "value": shown, "file": file}, "cli.settings_stored", name=name, file=file)
        if one.source == "environment":
            output.note(output.texts("cli.settings_shadowed", variable=one.where), style="yellow")


def _start(*, json: bool) -> tuple[Settings, Output]:
    settings = Settings.load()
    return settings, Output(language(settings), json=json)


def _known(name: str, views: dict[str, SettingView]) -> SettingView:
    if name not in views:
        raise SettingsError("settings.unknown", key=name, known=", ".join(sorted(views)))
    return views[name]


def _typed(one: SettingView, value: str) -> str | int | bool:
    """The value as the file is to have it; what it can't be is told by :class:`Settings`."""
    if isinstance(one.value, bool):
        return _SWITCHES.get(value.lower(), value)
    if isinstance(one.value, int) and value.lstrip("-").isdecimal():
        return int(value)
    return value


def _source(one: SettingView, output: Output) -> str:
    return output.texts(f"ui.settings_from_{one.source}", where=one.where)


def _as_json(one: SettingView, output: Output) -> SettingJson:
    return {
        "name": one.name,
        "group": one.group,
        "value": one.value,
        "source": one.source,
        "where": one.where,
        "meaning": output.texts(f"setting.{one.name}"),
        "choices": one.choices,
        "least": one.least,
        "most": one.most,
    }
