"""The catalog's tables, and what makes those of an earlier version into them."""

from __future__ import annotations

import re

VERSION = 7

_NAME = re.compile(r"^CREATE (?:VIRTUAL )?(?:TABLE|INDEX) (\w+)")
_SCHEMA = """
CREATE TABLE knowledge_base (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    created TEXT NOT NULL,
    embedder TEXT NOT NULL DEFAULT '',           -- the model its vectors were made with, '' before the first
    embedder_revision TEXT NOT NULL DEFAULT '',
    embedder_setting TEXT NOT NULL DEFAULT '',   -- the setting that names it
    index_version INTEGER NOT NULL DEFAULT 0,    -- raised by each commit that changed vectors
    generation INTEGER NOT NULL DEFAULT 0,       -- of its vectors: which collection serves
    lexical INTEGER NOT NULL DEFAULT 0           -- how its lexical index was made, see catalog.lexical_index.RECIPE
);
CREATE TABLE rebuild (                           -- vectors that are being made beside those that serve
    kb TEXT PRIMARY KEY REFERENCES knowledge_base(id) ON DELETE CASCADE,
    revision TEXT NOT NULL,                      -- of the embedding model
    generation INTEGER NOT NULL
);
CREATE TABLE folder (                            -- kept in step by sync
    kb TEXT NOT NULL REFERENCES knowledge_base(id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    PRIMARY KEY (kb, path)
) WITHOUT ROWID;
CREATE TABLE document (                          -- a content; files have it
    id INTEGER PRIMARY KEY,
    kb TEXT NOT NULL REFERENCES knowledge_base(id) ON DELETE CASCADE,
    digest TEXT NOT NULL,                        -- SHA-256 of the content
    suffix TEXT NOT NULL,                        -- chose the loader, so the same bytes may be two documents
    reader TEXT NOT NULL,                        -- what read it, see ingest.changes.Readers
    title TEXT NOT NULL,
    format TEXT NOT NULL,
    size INTEGER NOT NULL,
    ingested TEXT NOT NULL,
    pages INTEGER NOT NULL,                      -- with text
    chunks INTEGER NOT NULL,
    recognized TEXT NOT NULL,                    -- JSON array of page numbers
    empty TEXT NOT NULL,                         -- JSON array of page numbers
    warnings TEXT NOT NULL                       -- JSON array of messages: what could not be read
);
CREATE INDEX document_content ON document (kb, digest, suffix);
CREATE INDEX document_chunks ON document (      -- a knowledge base is counted at every question
    kb, chunks
);
CREATE TABLE file (
    kb TEXT NOT NULL REFERENCES knowledge_base(id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    document INTEGER REFERENCES document(id) ON DELETE CASCADE,  -- NULL: refused, and nothing stored before
    size INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,                -- -1: not to be trusted
    digest TEXT NOT NULL,                        -- of what was read last, also when that was refused
    reader TEXT NOT NULL,
    reason TEXT,                                 -- JSON message: why what was read last is refused
    PRIMARY KEY (kb, path)
) WITHOUT ROWID;
CREATE INDEX file_document ON file (document);
CREATE TABLE tag (                               -- given by people, to paths: a new version of a file keeps them
    kb TEXT NOT NULL REFERENCES knowledge_base(id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (kb, path, name)
) WITHOUT ROWID;
CREATE TABLE note (                              -- what a language model wrote of a text; searched, never shown
    kb TEXT NOT NULL REFERENCES knowledge_base(id) ON DELETE CASCADE,
    content BLOB NOT NULL,                       -- of the chunks it is of
    text TEXT NOT NULL,
    PRIMARY KEY (kb, content)
) WITHOUT ROWID;
CREATE TABLE page (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,                     -- 1-based physical page; twice where its pictures are described
    label TEXT,
    text TEXT NOT NULL,
    kind TEXT NOT NULL,                          -- page, slide, sheet or text
    columns INTEGER NOT NULL,                    -- of a sheet
    ocr INTEGER NOT NULL,                        -- 1 when the text was recognized from a picture
    described INTEGER NOT NULL,                  -- how many pictures a model described: the text is the model's
    UNIQUE (document, number, described)
);
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY AUTOINCREMENT,        -- never used twice: a vector's id means one text for ever
    page INTEGER NOT NULL REFERENCES page(id) ON DELETE CASCADE,
    start INTEGER NOT NULL,                      -- the chunk is page.text[start:stop], in characters
    stop INTEGER NOT NULL,
    headings TEXT NOT NULL,                      -- JSON array, outermost first
    lines TEXT NOT NULL,                         -- JSON array of [offset in the page, line or row], often empty
    context TEXT NOT NULL DEFAULT '',            -- title and heading path, in front of what is embedded
    content BLOB NOT NULL DEFAULT x'',           -- names what is embedded: the same content, the same vector
    language TEXT NOT NULL DEFAULT 'en'          -- of the text: cosines are compared within a language
);
CREATE INDEX chunk_page ON chunk (page);
CREATE INDEX chunk_content ON chunk (content);
CREATE TABLE pending_vector (                    -- may stand in Chroma though no visible chunk has this id
    kb TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    PRIMARY KEY (kb, chunk)
) WITHOUT ROWID;
CREATE TABLE conversation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    leaf INTEGER NOT NULL DEFAULT 0,             -- the message that the path which is shown ends with; 0 before any
    owner TEXT NOT NULL DEFAULT ''               -- whose it is, where several people share the web UI
);
CREATE TABLE conversation_kb (                   -- what a conversation asks
    conversation INTEGER NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,
    kb TEXT NOT NULL REFERENCES knowledge_base(id) ON DELETE CASCADE,
    PRIMARY KEY (conversation, kb)
) WITHOUT ROWID;
CREATE TABLE message (                           -- a tree: what was asked or answered again stands beside the first
    id INTEGER PRIMARY KEY AUTOINCREMENT,        -- so a child's is higher than its parent's
    conversation INTEGER NOT NULL REFERENCES conversation(id) ON DELETE CASCADE,
    parent INTEGER REFERENCES message(id) ON DELETE CASCADE,
    role TEXT NOT NULL,                          -- user or assistant
    state TEXT NOT NULL,                         -- running, complete, stopped or failed
    text TEXT NOT NULL,
    rewritten TEXT NOT NULL DEFAULT '',          -- a question made to stand alone, '' where it does as it is
    how TEXT NOT NULL DEFAULT 'none',            -- model, terms, person or none
    images INTEGER NOT NULL DEFAULT 0,           -- how many went with a question
    answer TEXT NOT NULL DEFAULT '',             -- JSON, see rag_app.plain
    error TEXT NOT NULL DEFAULT '',              -- JSON message: why there is no answer
    summary TEXT NOT NULL DEFAULT '',            -- of all up to here, where the model was given that instead
    rating INTEGER NOT NULL DEFAULT 0,           -- 1, -1 or 0 for none
    comment TEXT NOT NULL DEFAULT '',
    created TEXT NOT NULL
);
CREATE INDEX message_conversation ON message (conversation);
CREATE INDEX message_parent ON message (parent);
CREATE TABLE message_source (                    -- the documents that an answer's passages are of
    message INTEGER NOT NULL REFERENCES message(id) ON DELETE CASCADE,
    document INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
    PRIMARY KEY (message, document)
) WITHOUT ROWID;
CREATE INDEX message_source_document ON message_source (document);
CREATE VIRTUAL TABLE conversation_words USING fts5(words, tokenize = 'unicode61 remove_diacritics 0');
"""


UPGRADES = {
    1: "ALTER TABLE document ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]'",
    # files get a table of their own. SQLite can't drop a UNIQUE, so the table is made anew, see
    # https://www.sqlite.org/lang_altertable.html#otheralter; no reader is noted, so every file is read anew
    2: """
ALTER TABLE knowledge_base ADD COLUMN embedder_setting TEXT NOT NULL DEFAULT '';
ALTER TABLE knowledge_base ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunk ADD COLUMN context TEXT NOT NULL DEFAULT '';
ALTER TABLE chunk ADD COLUMN content BLOB NOT NULL DEFAULT x'';
ALTER TABLE document RENAME TO document_2;
{rebuild};
{folder};
{document};
{document_content};
{file};
INSERT INTO document SELECT id, kb, digest, '', '', title, format, size, ingested,
    (SELECT count(*) FROM page WHERE document = document_2.id AND trim(text) <> ''),
    (SELECT count(*) FROM chunk JOIN page ON page.id = chunk.page WHERE page.document = document_2.id),
    '[]', '[]', warnings FROM document_2;
INSERT INTO file SELECT kb, path, id, size, modified_ns, digest, '', NULL FROM document_2;
DROP TABLE document_2;
{file_document};
{chunk_content}""",
    # the lexical index gets other columns: made anew when the folder is opened
    3: """
ALTER TABLE knowledge_base ADD COLUMN lexical INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chunk ADD COLUMN language TEXT NOT NULL DEFAULT 'en';
{tag};
{note};
{document_chunks}""",
    # a page may stand beside the description of its pictures
    4: """
ALTER TABLE page RENAME TO page_4;
{page};
INSERT INTO page SELECT id, document, number, label, text, kind, columns, ocr, 0 FROM page_4;
DROP TABLE page_4""",
    # conversations
    5: """
CREATE TABLE conversation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    leaf INTEGER NOT NULL DEFAULT 0
);
{conversation_kb};
{message};
{message_conversation};
{message_parent};
{message_source};
{message_source_document};
{conversation_words}""",
    # a conversation belongs to somebody
    6: """
ALTER TABLE conversation ADD COLUMN owner TEXT NOT NULL DEFAULT ''""",
}
"""Version → what makes the next one of it; {name} is the statement of the schema that makes it."""


def statements() -> dict[str, str]:
    """The schema's statements by the name of what they make."""
    made = [statement.strip() for statement in _SCHEMA.split(";\n") if statement.strip()]
    return {name: statement for statement in made for name in _NAME.findall(statement)}
