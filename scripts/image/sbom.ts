/** `npm run sbom`: prints what is in the image as SPDX 2.3: the npm packages that run, Debian's packages, and the plugin's Go modules. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { DEBIAN_PACKAGES } from './rootfs.ts'

interface Part {
  readonly name: string
  readonly version: string
  /** a package URL */
  readonly purl: string
}

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string }

/** What the lock file names, less what is only for development. */
function npmParts(): readonly Part[] {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly version?: string; readonly dev?: boolean }>>
  }
  return Object.entries(lock.packages).flatMap(([path, { version = '', dev }]) => {
    const name = path.split('node_modules/').at(-1) ?? ''
    if (name === '' || dev === true) return []
    return [{ name, version, purl: `pkg:npm/${name.replace('@', '%40')}@${version}` }]
  })
}

function debianParts(): readonly Part[] {
  const lines = output('apt-cache', ['policy', ...DEBIAN_PACKAGES])
  return [...lines.matchAll(/^(\S+):\n(?:.*\n)*? {2}Candidate: (\S+)$/gm)].map(([, name = '', version = '']) => ({
    ...{ name, version },
    purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}`,
  }))
}

function goParts(): readonly Part[] {
  const mod = readFileSync('plugin/go.mod', 'utf8')
  return [...mod.matchAll(/^(?:require )?\t?([a-z0-9./_-]+\.[a-z0-9./_-]+) (v\S+)/gim)].map(
    ([, name = '', version = '']) => ({
      ...{ name, version },
      purl: `pkg:golang/${name}@${version}`,
    }),
  )
}

function output(file: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
  if (status !== 0) throw new Error(`${file}: ${stderr.trim()}`)
  return stdout
}

const parts = [...npmParts(), ...debianParts(), ...goParts()]
const id = (part: Part): string => `SPDXRef-${part.purl.replaceAll(/[^A-Za-z0-9.-]/g, '-')}`
process.stdout.write(
  `${JSON.stringify(
    {
      spdxVersion: 'SPDX-2.3',
      dataLicense: 'CC0-1.0',
      SPDXID: 'SPDXRef-DOCUMENT',
      name: `sluice-${version}`,
      documentNamespace: `https://sluice-mesh.io/sbom/${version}`,
      creationInfo: { created: new Date().toISOString().replace(/\.\d+/, ''), creators: ['Tool: sluice-sbom'] },
      packages: parts.map((part) => ({
        SPDXID: id(part),
        name: part.name,
        versionInfo: part.version,
        downloadLocation: 'NOASSERTION',
        externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: part.purl }],
      })),
      relationships: parts.map((part) => ({
        spdxElementId: 'SPDXRef-DOCUMENT',
        relationshipType: 'DESCRIBES',
        relatedSpdxElement: id(part),
      })),
    },
    null,
    1,
  )}\n`,
)
