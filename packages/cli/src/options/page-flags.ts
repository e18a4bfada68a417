/** The flags of commands that write a run into files. */
export interface FileFlags {
  /** An HTML file. */
  readonly report?: string;
  /** A JSON file. */
  readonly trace?: string;
}

/** The flag of commands that print a result. */
export interface OutputFlags {
  /** The file that the result goes to, instead of standard output. */
  readonly output?: string;
}

/** The flags of commands that serve a page. */
export interface PageFlags {
  readonly ui?: boolean;
  readonly port?: number;
}
