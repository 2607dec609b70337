"""``rag-app kb …``."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import RagError
from .reporting import summary
from .session import session
from .texts import Texts


def add(app: typer.Typer, texts: Texts) -> None:
    """Add the commands."""
    kb = typer.Typer(help=texts("cli.kb"), no_args_is_help=True, rich_markup_mode="markdown")
    app.add_typer(kb, name="kb")

    @kb.command("list", help=texts.help("cli.kb_list", "rag-app kb list"))
    def list_(json: Annotated[bool, texts.json_option()] = False) -> None:
        with session(json=json) as (rag, output):
            bases = rag.knowledge_bases()
            if json:
                output.print_json({"knowledge_bases": bases})
                return
            columns = [output.texts(f"cli.column_{name}") for name in ("name", "documents", "chunks", "embedder")]
            output.table(columns, [(b.name, str(b.documents), str(b.chunks), b.embedder) for b in bases])

    @kb.command(help=texts.help("cli.kb_create", "rag-app kb create 合同"))
    def create(
        name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            made = rag.create_knowledge_base(name)
            output.report(made, "cli.kb_created", name=made.name)

    @kb.command(help=texts.help("cli.kb_rename", "rag-app kb rename work archive"))
    def rename(
        name: Annotated[str, texts.kb_argument()],
        new_name: Annotated[str, typer.Argument(metavar="NEW-NAME", show_default=False)],
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            renamed = rag.rename_knowledge_base(name, new_name)
            output.report(renamed, "cli.kb_renamed", name=name, new_name=renamed.name)

    @kb.command(help=texts.help("cli.kb_delete", "rag-app kb delete archive --yes"))
    def delete(
        name: Annotated[str, texts.kb_argument()],
        yes: Annotated[bool, typer.Option("--yes", "-y", help=texts("cli.yes"))] = False,
        verify: Annotated[bool, typer.Option("--verify", help=texts("cli.verify"))] = False,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            if json and not yes:
                raise RagError("cli.yes_needed")
            if not yes:
                typer.confirm(output.texts("cli.kb_delete_confirm", name=name), abort=True, err=True)
            gone = rag.delete_knowledge_base(name, verify=verify)
            output.report(gone, "cli.kb_deleted", name=gone.name, documents=gone.documents)

    @kb.command(help=texts.help("cli.kb_export", "rag-app kb export work work.ragkb"))
    def export(
        name: Annotated[str, texts.kb_argument()],
        file: Annotated[Path, typer.Argument(metavar="FILE", help=texts("cli.kb_export_file"), show_default=False)],
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            base = rag.export_knowledge_base(name, file)
            output.report(
                base, "cli.kb_exported", name=base.name, file=file, documents=base.documents, chunks=base.chunks
            )

    @kb.command("import", help=texts.help("cli.kb_import", "rag-app kb import work.ragkb --name work2"))
    def import_(
        file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
        name: Annotated[
            str | None, typer.Option("--name", metavar="NAME", help=texts("cli.kb_import_name"), show_default=False)
        ] = None,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            made = rag.import_knowledge_base(file, name)
            output.report(made, "cli.kb_imported", name=made.name, documents=made.documents, chunks=made.chunks)

    @kb.command(
        "import-llamaindex", help=texts.help("cli.kb_import_llamaindex", "rag-app kb import-llamaindex ./chroma papers")
    )
    def import_llamaindex(
        folder: Annotated[
            Path, typer.Argument(metavar="FOLDER", help=texts("cli.kb_import_chroma"), show_default=False)
        ],
        collection: Annotated[str, typer.Argument(metavar="COLLECTION", show_default=False)],
        into: Annotated[str | None, texts.kb_option()] = None,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            with output.progress() as bar:
                report = rag.import_llamaindex(folder, collection, into, bar.show)
            summary(output, report.files, interrupted=False, failure=None)

    @app.command(help=texts.help("cli.enrich", "rag-app enrich --kb work"))
    def enrich(
        kb: Annotated[str | None, texts.kb_option()] = None,
        forget: Annotated[bool, typer.Option("--forget", help=texts("cli.enrich_forget"))] = False,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            if forget:
                rag.forget_notes(kb)
                output.report({"forgotten": True}, "cli.enrich_forgotten")
                return
            with output.counting("cli.enriching") as counted:
                failed = rag.enrich(kb, counted)
            output.report({"without": failed}, "cli.enriched", count=failed)

    @app.command(help=texts.help("cli.prepare", "rag-app prepare"))
    def prepare(json: Annotated[bool, texts.json_option()] = False) -> None:
        with session(json=json) as (rag, output):
            rag.prepare()
            embedder = rag.settings.embedder
            output.report({"embedder": embedder}, "cli.prepared", embedder=embedder)

    @app.command(help=texts.help("cli.reindex", "rag-app reindex --kb work --embedder BAAI/bge-m3"))
    def reindex(
        kb: Annotated[str | None, texts.kb_option()] = None,
        embedder: Annotated[
            str | None, typer.Option("--embedder", help=texts("cli.reindex_embedder"), show_default=False)
        ] = None,
        json: Annotated[bool, texts.json_option()] = False,
    ) -> None:
        with session(json=json) as (rag, output):
            with output.counting("cli.reindexing") as counted:
                base = rag.reindex(embedder, kb, counted)
            output.report(base, "cli.reindexed", name=base.name, chunks=base.chunks, embedder=base.embedder)
