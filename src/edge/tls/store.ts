/** Texts by name that are only ever replaced together, and the mark of this version of them. */
export interface StoredFiles {
  readonly files: Readonly<Record<string, string>>
  readonly version: string
}

/**
 * Where the certificates that a server makes are kept. Several servers may share one: who writes says which version he
 * means to replace, and learns it when another was faster.
 */
export interface CertificateStore {
  /** undefined where nothing is kept yet */
  read(): Promise<StoredFiles | undefined>
  /** replaces `version` (undefined: nothing yet); false where that is not what is kept any more */
  write(files: Readonly<Record<string, string>>, version: string | undefined): Promise<boolean>
}
