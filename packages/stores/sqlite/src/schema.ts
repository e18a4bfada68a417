/** The version of what stands below; a journal of a higher one is of a newer package. */
export const VERSION = 1;

/** "Stgm": marks the file as a journal, so that no other program's database is taken for one. */
export const APPLICATION_ID = 0x5374676d;

/**
 * `events` is the log and the only account of a run. `runs` says what a list needs without reading
 * it, and `completions` where the last output for a content key is. What is large stands once in
 * `contents`, by the SHA-256 of its text. Each row carries a checksum, as SQLite has none for what
 * it keeps.
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
