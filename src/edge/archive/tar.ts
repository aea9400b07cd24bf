/** A file of an archive. */
export interface ArchiveFile {
  readonly path: string
  readonly text: string
}

const BLOCK = 512
const NAME_BYTES = 100

/** A tar archive (ustar) of `files`, owned by nobody, readable by its owner alone. Throws for a path that does not fit. */
export function tar(files: readonly ArchiveFile[], modified: Date): Buffer {
  const parts = files.flatMap(({ path, text }) => {
    const body = Buffer.from(text, 'utf8')
    const padding = Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)
    return [header(path, body.length, modified), body, padding]
  })
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)])
}

function header(path: string, size: number, modified: Date): Buffer {
  if (Buffer.byteLength(path) > NAME_BYTES) throw new Error(`the path ${path} is too long for an archive`)
  const block = Buffer.alloc(BLOCK)
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`
  block.write(path, 0)
  block.write(octal(0o600, 7), 100)
  block.write(octal(0, 7), 108)
  block.write(octal(0, 7), 116)
  block.write(octal(size, 11), 124)
  block.write(octal(Math.floor(modified.getTime() / 1000), 11), 136)
  // the sum is taken with blanks in its own place
  block.write(' '.repeat(8), 148)
  block.write('0', 156)
  block.write('ustar\x0000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
