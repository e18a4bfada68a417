/** The version of this schema; a journal with a higher version was written by a newer package. */
export const VERSION = 1;

/** "Stgm": identifies the file as a journal, to tell it from the database of another program. */
export const APPLICATION_ID = 0x5374676d;

/**
 * `events` is the log, and the only source of truth about a run. `runs` has what a list needs without
 * reading the log. `completions` has the position of the last output of each content key. `contents`
 * stores large values once, by the SHA-256 of their text. Rows have checksums, because SQLite has none.
 */
export const SCHEMA = `
  CREATE TABLE runs (
    run INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    events INTEGER NOT NULL,
    summary TEXT NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE events (
    run INTEGER NOT NULL,
    position INTEGER NOT NULL,
    event TEXT NOT NULL,
    content INTEGER,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (run, position)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE completions (
    content_key TEXT PRIMARY KEY,
    run INTEGER NOT NULL,
    position INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE contents (
    content INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    text TEXT NOT NULL
  ) STRICT;
  CREATE TABLE leases (
    run INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    machine TEXT NOT NULL,
    pid INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${VERSION};
`;

export const INSERT_CONTENT =
  'INSERT INTO contents (hash, text) VALUES (?, ?) ON CONFLICT DO NOTHING';
export const FIND_CONTENT = 'SELECT content, text = ? AS same FROM contents WHERE hash = ?';
