"""One frozen :class:`Settings`: defaults < ``rag.toml`` < ``RAG_*`` environment < arguments.

The only pydantic import beside the HTTP server's.
"""

from __future__ import annotations

import locale
import os
import tomllib
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from ingest.messages import Language
from ingest.types import Limits

from .errors import SettingsError
from .passwords import is_password_hash

FILE_NAME = "rag.toml"
_APP = "rag-app"
_PREFIX = "RAG_"
_CONFIG_VARIABLE = "RAG_CONFIG"
_LIMITS = Limits()
_SECRET = ("openai_api_key", "ui_password", "ui_users", "api_keys")

Role = Literal["reader", "editor", "admin"]
"""What somebody may do in the web UI and with the HTTP server: ask; also change documents; also all else."""


class Settings(BaseSettings):
    """Every setting; each is also ``rag.toml``'s key and, upper-cased after ``RAG_``, an environment variable."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, frozen=True, extra="forbid", env_ignore_empty=True, hide_input_in_errors=True
    )

    data_dir: Path = Field(
        default_factory=lambda: platformdirs.user_data_path(_APP),
        description="Folder of the catalog and the vectors.",
    )
    model_dir: Path = Field(
        default_factory=lambda: platformdirs.user_cache_path(_APP) / "models",
        description="Folder of prepared embedding models; safe to delete, they are made again.",
    )
    language: Literal["auto", "en", "zh"] = Field(
        default="auto", description="Language of messages; auto follows the system. Answers follow the question."
    )
    kb: str = Field(default="default", description="Knowledge base used where none is named.")
    embedder: str = Field(
        default="bundled",
        description="Embedding model: bundled (multilingual-e5-small), or the name or folder of any "
        "sentence-transformers model.",
    )
    chunk_tokens: int = Field(
        default=384, ge=64, le=8192, description="Most tokens of a chunk; never above the embedding model's window."
    )
    parse_seconds: int = Field(
        default=int(_LIMITS.seconds), ge=1, le=86_400, description="Most seconds that reading one file may take."
    )
    parse_memory_mb: int = Field(
        default=_LIMITS.memory_mb,
        ge=64,
        le=1 << 20,
        description="Most megabytes of memory that reading one file may take.",
    )
    parse_pages: int = Field(
        default=_LIMITS.pages, ge=1, le=10_000_000, description="Most pages, slides or sheets of one file."
    )
    parse_unpacked_mb: int = Field(
        default=_LIMITS.unpacked_mb, ge=1, le=1 << 20, description="Most megabytes that an office file may unpack to."
    )
    parse_file_mb: int = Field(
        default=_LIMITS.file_mb, ge=1, le=1 << 20, description="Most megabytes of a file; larger ones are not opened."
    )
    ocr: bool = Field(default=True, description="Recognize the text of pictures and of scanned pages.")
    ocr_pages: int = Field(
        default=_LIMITS.ocr_pages, ge=1, le=1_000_000, description="Most pages of one file that are recognized."
    )
    describe_images: bool = Field(
        default=False,
        description="Have the model describe pictures in documents, so that they are found; it must be one that sees.",
    )
    describe_pictures: int = Field(
        default=20, ge=1, le=10_000, description="Most pictures of one file that are described."
    )
    parse_workers: int = Field(
        default=min(2, os.cpu_count() or 1), ge=1, le=64, description="Most processes that read files at a time."
    )
    passages: int = Field(default=6, ge=1, le=50, description="Passages given to the answering model.")
    passage_tokens: int = Field(
        default=2400, ge=128, le=1 << 20, description="Most tokens of all passages given to the answering model."
    )
    reranker: str = Field(
        default="",
        description="What reads the best passages once more: empty for nothing, the name or folder of a "
        "sentence-transformers CrossEncoder, or llm for the model of Ollama.",
    )
    answers: Literal["auto", "ollama", "gguf", "openai", "quotes"] = Field(
        default="auto",
        description="Who answers: auto takes openai_url or gguf_path where one is set, else Ollama if it has the "
        "model, else verbatim quotes.",
    )
    nli_model: str = Field(
        default="",
        description="What judges whether the documents say what an answer says: empty for words and meaning, or "
        "the name or folder of a sentence-transformers CrossEncoder that tells entailment, neutral and contradiction "
        "apart.",
    )
    model: str = Field(default="llama3", description="Model that Ollama answers with.")
    mode: Literal["strict", "open"] = Field(
        default="strict",
        description="strict: only what the documents say; open: a model may add what it knows, visibly marked.",
    )
    prompts: str = Field(default="", description="Folder with prompts of your own, see rag_app/chat/prompts.")
    vision_model: str = Field(
        default="",
        description="Model of Ollama that images go to; empty for the answering one, else the first that sees.",
    )
    thinking: bool = Field(
        default=False, description="Let a model that can think do so before it answers; slower, shown apart."
    )
    keep_alive: str = Field(
        default="30m",
        pattern=r"^(-?\d+|(\d+(\.\d+)?(ms|s|m|h))+)$",
        description="How long Ollama keeps the model in memory after an answer: 30m, 2h, 0 (not at all), -1 (always).",
    )
    ollama_url: str = Field(default="http://127.0.0.1:11434", description="Address of the Ollama server.")
    gguf_path: str = Field(
        default="", description="GGUF file of a model that answers without Ollama; needs the extra rag-app[gguf]."
    )
    openai_url: str = Field(
        default="",
        description="Address of an OpenAI-compatible server (vLLM, llama.cpp, LM Studio): passages go there.",
    )
    openai_model: str = Field(default="", description="Its model; empty for the only one it has.")
    openai_api_key: SecretStr = Field(default=SecretStr(""), description="Its key, where it wants one.")
    context_tokens: int = Field(
        default=8192,
        ge=2048,
        le=131072,
        description="Most context asked of the model (num_ctx); it gets less where its own limit or the free memory "
        "is lower. Twice as much takes twice the memory for it.",
    )
    answer_tokens: int = Field(default=768, ge=64, le=8192, description="Most tokens of a model's answer.")
    upload_mb: int = Field(default=200, ge=1, le=1 << 16, description="Most megabytes of a file put in by a browser.")
    port: int = Field(default=8501, ge=1, le=65535, description="Port of the web UI.")
    host: str = Field(
        default="127.0.0.1",
        description="Address that the web UI listens on; another one than this computer's own only with ui_password, "
        "ui_users or ui_oidc.",
    )
    ui_names: str = Field(
        default="",
        description="Names, separated by commas, by which browsers may reach the web UI beside the address itself; "
        "needed behind a proxy and with OIDC.",
    )
    ui_password: SecretStr = Field(
        default=SecretStr(""), description="Hash of the web UI's one password, made by rag-app password."
    )
    ui_oidc: bool = Field(
        default=False,
        description="People sign in with OpenID Connect, as .streamlit/secrets.toml says; ui_users then names them.",
    )
    ui_users: dict[str, SecretStr] = Field(
        default={},
        description='Who may use the web UI: name = "role:hash", made by rag-app password --user; with ui_oidc '
        'e-mail = "role". Roles: reader (asks), editor (also adds and deletes documents), admin (everything).',
    )

    serve_port: int = Field(default=8502, ge=1, le=65535, description="Port of the HTTP server, rag-app serve.")
    serve_host: str = Field(
        default="127.0.0.1",
        description="Address that the HTTP server listens on; another one than this computer's own only with api_keys.",
    )
    serve_names: str = Field(
        default="",
        description="Names, separated by commas, by which the HTTP server may be reached beside the address itself; "
        "needed behind a proxy and from containers.",
    )
    serve_origins: str = Field(
        default="",
        description="Web pages, separated by commas, that may use the HTTP server from a browser (CORS): "
        "https://chat.example.com. None unless named.",
    )
    serve_questions: int = Field(
        default=4, ge=1, le=256, description="Most questions that the HTTP server works on at a time; others wait."
    )
    serve_references: bool = Field(
        default=True, description="Whether answers of the HTTP server end with a list of their sources."
    )
    api_keys: dict[str, SecretStr] = Field(
        default={},
        description='Who may use the HTTP server: name = "role:hash", made by rag-app key NAME. Roles: reader (asks '
        "and searches), editor (also adds and deletes documents), admin (also deletes knowledge bases).",
    )

    @property
    def parse_limits(self) -> Limits:
        """What reading one file may cost."""
        return Limits(
            self.parse_seconds,
            self.parse_memory_mb,
            self.parse_pages,
            self.parse_unpacked_mb,
            self.ocr,
            self.ocr_pages,
            self.parse_file_mb,
            self.describe_pictures if self.describe_images else 0,
        )

    @field_validator("data_dir", "model_dir")
    @classmethod
    def _expand(cls, value: Path) -> Path:
        try:
            return value.expanduser().resolve()
        except RuntimeError as error:
            raise ValueError(str(error)) from error

    @field_validator("openai_api_key")
    @classmethod
    def _check_key(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value().strip()
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("not a key: it has blanks or characters beyond ASCII")
        return SecretStr(key)

    @field_validator("ollama_url", "openai_url")
    @classmethod
    def _check_url(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.field_name == "openai_url":
            return ""
        url = value if "://" in value else f"http://{value}"
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:  # reading it checks it
            raise ValueError("not an http address")
        return url.rstrip("/")

    @field_validator("ui_password")
    @classmethod
    def _check_password(cls, value: SecretStr) -> SecretStr:
        stored = value.get_secret_value().strip()
        if stored and not is_password_hash(stored):
            raise ValueError("not a hash; make one with: rag-app password")
        return SecretStr(stored)

    @field_validator("ui_users")
    @classmethod
    def _check_users(cls, value: dict[str, SecretStr], info: ValidationInfo) -> dict[str, SecretStr]:
        if value and (password := info.data.get("ui_password")) is not None and password.get_secret_value():
            raise ValueError("there is a ui_password already; keep one of the two")
        for name, entry in value.items():
            role, _, stored = entry.get_secret_value().partition(":")
            if not name.strip() or role not in get_args(Role):
                raise ValueError(f"{name!r} needs a role: {', '.join(get_args(Role))}")
            if not info.data.get("ui_oidc") and not is_password_hash(stored):
                raise ValueError(f"{name!r} has no hash; make one with: rag-app password --user NAME --role {role}")
        return value

    @field_validator("api_keys")
    @classmethod
    def _check_api_keys(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, entry in value.items():
            role, _, stored = entry.get_secret_value().partition(":")
            if role not in get_args(Role) or not is_password_hash(stored):
                raise ValueError(f"{name!r} is not as rag-app key writes it; make one with: rag-app key NAME")
        return value

    @property
    def is_guarded(self) -> bool:
        """Whether the web UI asks who is there."""
        return bool(self.ui_password.get_secret_value() or self.ui_users or self.ui_oidc)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over the file."""
        file = config_file()
        if file is None:
            return init_settings, env_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)

    @classmethod
    def load(cls, **arguments: Any) -> Settings:
        """Settings from all sources; arguments that are None count as not given.

        Raises:
            SettingsError: names the key, the value and where it came from.
        """
        _check_environment(cls)
        try:
            return cls(**{name: value for name, value in arguments.items() if value is not None})
        except ValidationError as error:
            raise _explain(error, arguments) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError("settings.bad_toml", file=config_file(), cause=error) from error


def config_file() -> Path | None:
    """The ``rag.toml`` in force: ``$RAG_CONFIG``, the working folder's, the user's; None without any.

    Raises:
        SettingsError: ``RAG_CONFIG`` names no file.
    """
    named = os.environ.get(_CONFIG_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise SettingsError("settings.no_file", variable=_CONFIG_VARIABLE, file=named)
        return Path(named)
    return next((file for file in (Path.cwd() / FILE_NAME, own_config_file()) if file.is_file()), None)


def own_config_file() -> Path:
    """The user's own ``rag.toml``, whether it is there or not."""
    return platformdirs.user_config_path(_APP) / FILE_NAME


def is_local_to_folder(file: Path) -> bool:
    """Whether a ``rag.toml`` holds in the working folder alone."""
    return not os.environ.get(_CONFIG_VARIABLE) and file.resolve() == (Path.cwd() / FILE_NAME).resolve()


def variable_in_force(name: str) -> str | None:
    """The environment variable that sets a setting, None without one; letter case does not matter."""
    wanted = f"{_PREFIX}{name}".upper()
    return next((one for one, value in os.environ.items() if value and one.upper() == wanted), None)


def _check_environment(settings: type[Settings]) -> None:
    known = {f"{_PREFIX}{name}".upper() for name in settings.model_fields} | {_CONFIG_VARIABLE}
    for variable in os.environ:
        if variable.upper().startswith(_PREFIX) and variable.upper() not in known:
            raise SettingsError("settings.unknown", key=variable, known=", ".join(sorted(known)))


def _explain(error: ValidationError, arguments: dict[str, Any]) -> SettingsError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return SettingsError("settings.unknown", key=key, known=", ".join(sorted(Settings.model_fields)))
    variable = f"{_PREFIX}{key}".upper()
    if arguments.get(key) is not None:
        source = f"{key}="
    elif variable in os.environ:
        source = variable
    else:
        source = f"{config_file()}: {key}"
    value = "…" if key.partition(".")[0] in _SECRET else first["input"]
    return SettingsError("settings.bad_value", source=source, value=value, cause=first["msg"])


def language(settings: Settings | None) -> Language:
    """The language of messages: the setting, else the system's."""
    if settings is not None and settings.language != "auto":
        return settings.language
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(variable):
            return "zh" if os.environ[variable].lower().startswith("zh") else "en"
    system = locale.getlocale()[0] or ""  # Windows has no such variables
    return "zh" if system.lower().startswith(("zh", "chinese")) else "en"
