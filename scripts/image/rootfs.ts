import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { FetchError } from '../cache.ts'
import { debs } from '../debs.ts'

/** What the image holds of Debian: the C library, and what makes rules. */
export const DEBIAN_PACKAGES = [
  ...['libc6', 'libgcc-s1', 'libstdc++6', 'netbase'],
  ...['nftables', 'libnftables1', 'libnftnl11', 'libmnl0', 'libjansson4', 'libgmp10', 'libedit2', 'libbsd0', 'libmd0'],
  ...['libtinfo6', 'iptables', 'libxtables12', 'libip4tc2', 'libip6tc2', 'libnetfilter-conntrack3', 'libnfnetlink0'],
  // nsenter: iptables in a pod with users of its own
  ...['util-linux', 'libselinux1', 'libpcre2-8-0'],
]

const PROGRAMS = ['usr/sbin/nft', 'usr/sbin/xtables-nft-multi', 'usr/sbin/xtables-legacy-multi', 'usr/bin/nsenter']

/** One program of iptables is many by the name that it is called by. */
const XTABLES = ['nft', 'legacy'].flatMap((variant) =>
  ['iptables', 'ip6tables'].flatMap((family) =>
    ['', '-save', '-restore'].map((verb) => ({ link: `${family}-${variant}${verb}`, to: `xtables-${variant}-multi` })),
  ),
)

/** Loaded by name at run time, so that no program lists them. */
const LOADED_LATER = ['libnftables.so.1']

export interface RootfsParts {
  /** what `npm run build` made */
  readonly dist: string
  /** the node that runs it */
  readonly node: string
  /** the static plugin */
  readonly plugin: string
}

/**
 * Fills the empty folder `root` with the root file system of the image: Node, Sluice, its plugin, and what makes rules. No shell, no
 * package manager. Throws a FetchError where Debian's packages cannot be had.
 */
export function assembleRootfs(root: string, { dist, node, plugin }: RootfsParts): void {
  const unpacked = debs('image', DEBIAN_PACKAGES)
  skeleton(root)
  const libraries = libraryFolder(unpacked)
  const triplet = basename(libraries)
  const target = join(root, 'usr/lib', triplet)
  copyTo(node, join(root, 'usr/bin/node'))
  for (const program of PROGRAMS) copyTo(join(unpacked, program), join(root, program))
  for (const { link, to } of XTABLES) symlinkSync(to, join(root, 'usr/sbin', link))
  for (const name of LOADED_LATER) copyTo(join(libraries, name), join(target, name))
  // many extensions are links to one file: as they are, not as they resolve on this machine
  cpSync(join(libraries, 'xtables'), join(target, 'xtables'), { recursive: true, verbatimSymlinks: true })
  cpSync(dist, join(root, 'sluice'), { recursive: true })
  copyTo(plugin, join(root, 'opt/sluice/cni', basename(plugin)))
  for (const name of ['protocols', 'services']) copyTo(join(unpacked, 'etc', name), join(root, 'etc', name))
  copyLibraries(root, unpacked, [
    ...['usr/bin/node', ...PROGRAMS],
    ...LOADED_LATER.map((name) => join('usr/lib', triplet, name)),
    ...nativeParts(root),
  ])
}

/** Puts one more program into the root file system `root`, at the path `to`, with the libraries that it needs. */
export function addProgram(root: string, program: string, to: string): void {
  copyTo(program, join(root, to))
  copyLibraries(root, debs('image', DEBIAN_PACKAGES), [to])
}

function skeleton(root: string): void {
  for (const folder of [
    'etc',
    'proc',
    'sys',
    'dev',
    'run',
    'tmp',
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'usr/lib64',
    'var',
  ])
    mkdirSync(join(root, folder), { recursive: true })
  chmodSync(join(root, 'tmp'), 0o1777)
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name))
  symlinkSync('../run', join(root, 'var/run'))
  writeFileSync(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/:/nonexistent\nnonroot:x:65532:65532:nonroot:/:/nonexistent\n',
  )
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnonroot:x:65532:\n')
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\nprotocols: files\n')
}

/** Every library that something in `root` needs, as the packages' own loader finds it, so that nothing of this machine gets in. */
function copyLibraries(root: string, unpacked: string, objects: readonly string[]): void {
  const loader = loaderOf(unpacked)
  const libraries = libraryFolder(unpacked)
  const path = [libraries, libraries.replace('/usr/lib/', '/lib/')].join(':')
  const target = join(root, 'usr/lib', basename(libraries))
  for (const object of objects) {
    const { status, stdout, stderr } = spawnSync(loader, ['--library-path', path, '--list', join(root, object)], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new FetchError(`${object} cannot be loaded: ${stderr.trim()}`)
    for (const [, name = '', from = ''] of stdout.matchAll(/^\s+(\S+) => (\S+) \(/gm)) {
      if (!from.startsWith(unpacked)) throw new FetchError(`${object} needs ${name}, which none of the packages has`)
      if (!existsSync(join(target, name))) copyTo(from, join(target, name))
    }
  }
  copyTo(loader, join(root, 'usr/lib64', basename(loader)))
  // where the loader of this architecture is looked for, by the convention of its ABI
  if (process.arch === 'arm64') copyTo(loader, join(root, 'usr/lib', basename(loader)))
}

function nativeParts(root: string): readonly string[] {
  return readdirSync(join(root, 'sluice'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.node'))
    .map((name) => join('sluice', name))
}

function loaderOf(unpacked: string): string {
  for (const folder of ['lib64', 'lib', 'usr/lib64', 'usr/lib'])
    for (const name of existsSync(join(unpacked, folder)) ? readdirSync(join(unpacked, folder)) : [])
      if (/^ld-linux-.*\.so/.test(name)) {
        // a link to an absolute path of the system that is not this one
        const real = readdirSync(libraryFolder(unpacked).replace('/usr/lib/', '/lib/')).find((one) => one === name)
        if (real !== undefined) return join(libraryFolder(unpacked).replace('/usr/lib/', '/lib/'), real)
      }
  throw new FetchError(`there is no dynamic loader in ${unpacked}`)
}

function libraryFolder(unpacked: string): string {
  const triplet = readdirSync(join(unpacked, 'usr/lib')).find((name) => name.endsWith('-linux-gnu'))
  if (triplet === undefined) throw new FetchError(`there are no libraries in ${unpacked}`)
  return join(unpacked, 'usr/lib', triplet)
}

/** Follows links: an image holds one file for one name. */
function copyTo(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(from, to)
}
