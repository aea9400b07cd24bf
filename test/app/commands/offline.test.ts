import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parse as parseYaml } from 'yaml'
import { render } from '../../../src/app/commands/output.ts'
import { sluice } from './run-sluice.ts'

const POD = `# a comment
apiVersion: v1
kind: Pod
metadata:
  name: web # the front
spec:
  containers:
    - name: web
      image: a:1
---
apiVersion: v1
kind: Service
metadata: {name: web}   # odd   spacing
`

let directory = ''
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-offline-'))
})
after(async () => await rm(directory, { recursive: true }))

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, text)
  return path
}

test('a file is printed as it would be in the mesh, and what people wrote around it stays', async () => {
  const { code, out } = await sluice(['inject', '-f', '-', '--mode', 'ambient'], { stdin: POD })
  assert.equal(code, 0)
  for (const kept of ['# a comment', 'name: web # the front', 'metadata: {name: web}   # odd   spacing'])
    assert.ok(out.includes(kept), kept)
  assert.match(out, /istio\.io\/dataplane-mode: ambient/)
})

test('what a pod brings is printed in the order in which it was written, and on the line where it stands', async () => {
  const sneaky = 'a\u202Eegami-dekcehc\u2066\u0007'
  const pod = {
    kind: 'Pod',
    metadata: {
      name: 'web',
      labels: { 'sluice-mesh.io/mode': sneaky },
      annotations: { [`sidecar.istio.io/${sneaky}`]: 'x' },
    },
    spec: { containers: [{ name: sneaky, image: sneaky }] },
  }
  const { out, err } = await sluice(['explain', '-f', '-'], { stdin: JSON.stringify(pod) })
  assert.match(out + err, /a egami-dekcehc/)
  assert.doesNotMatch(out + err, /(?!\n)[\p{Cc}\p{Bidi_Control}]/u)
  const missing = await sluice(['explain', '-f', `${directory}/${sneaky.slice(0, 9)}`])
  assert.match(missing.err, /a egami-d/)
})

for (const [format, read] of [
  ['json', (text: string): unknown => JSON.parse(text)],
  ['yaml', (text: string): unknown => parseYaml(text)],
] as const)
  test(`as ${format} nothing that a pod brings shows itself in another order, and programs read what it says`, async () => {
    const sneaky = 'a\u202Eegami-dekcehc\u2066\u007F'
    const lines = `one\n\ttwo\n${sneaky}: three\n`
    const annotations = { [sneaky]: lines, plain: 'one\ntwo\n' }
    const pod = {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', annotations } },
      spec: { containers: [{ name: 'web', image: sneaky }] },
    }
    const { code, out } = await sluice(['inject', '-f', '-', '--mode', 'ambient', '-o', 'json'], {
      stdin: JSON.stringify(pod),
    })
    assert.equal(code, 0)
    const printed = render({ output: format }, JSON.parse(out), () => assert.fail('no text was asked for'))
    for (const text of [out, printed]) assert.doesNotMatch(text, /(?!\n)[\p{Cc}\p{Bidi_Control}]/u)
    assert.deepEqual(read(printed), JSON.parse(out))
    const { metadata, spec } = read(printed) as typeof pod
    assert.deepEqual([metadata.annotations[sneaky], spec.containers[0]?.image], [lines, sneaky])
  })

test('without any kubeconfig the message says so, and names the flag', () => {
  const env = { PATH: process.env['PATH'] ?? '', HOME: directory }
  const { status, stderr } = spawnSync(process.execPath, ['src/main.ts', 'check'], { env, encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(
    stderr,
    /^error: no cluster by the usual kubeconfig: there is no KUBECONFIG and .*--kubeconfig names a file\n$/,
  )
})

test('as JSON several documents are one list, and one document is itself', async () => {
  const both = JSON.parse(
    (await sluice(['inject', '-f', '-', '--mode', 'ambient', '-o', 'json'], { stdin: POD })).out,
  ) as {
    kind: string
    items: unknown[]
  }
  assert.deepEqual([both.kind, both.items.length], ['List', 2])
  const one = JSON.parse(
    (
      await sluice(['inject', '-f', '-', '--mode', 'ambient', '-o', 'json'], {
        stdin: '{"kind":"Pod","spec":{"containers":[]}}',
      })
    ).out,
  ) as { kind: string }
  assert.equal(one.kind, 'Pod')
})

test('a pod that is left alone is printed unchanged, and the reason goes to standard error', async () => {
  const pod = 'kind: Pod\nmetadata: { name: x }\nspec: { hostNetwork: true }\n'
  const { code, out, err } = await sluice(['inject', '-f', '-'], { stdin: pod })
  assert.equal(code, 0)
  assert.equal(out, pod)
  assert.match(err, /pod\/x is left alone: host_network/)
})

test('a pod that is refused prints no file at all', async () => {
  const stdin = 'kind: Pod\nmetadata: { name: x, labels: { sluice-mesh.io/mode: fast } }\nspec: {}\n'
  const { code, out, err } = await sluice(['inject', '-f', '-'], { stdin })
  assert.deepEqual([code, out], [3, ''])
  assert.match(err, /wish_unknown/)
})

test('an explanation for programs has its keys, one object for one pod', async () => {
  const { code, out } = await sluice(['explain', '-f', '-', '--mode', 'ambient', '-o', 'json'], { stdin: POD })
  assert.equal(code, 0)
  const report = JSON.parse(out) as Record<string, unknown>
  assert.equal(report['mode'], 'ambient')
  assert.equal(report['reason'], 'wish_granted')
  assert.ok(typeof report['message'] === 'string' && Array.isArray(report['rejected']))
})

test('settings come as text or inside their ConfigMap', async () => {
  const text = await file('mesh.yaml', 'rootNamespace: mesh\n')
  const map = await file(
    'map.yaml',
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: istio }\ndata:\n  mesh: |\n    rootNamespace: mesh\n',
  )
  for (const path of [text, map])
    assert.equal(
      (await sluice(['explain', '-f', '-', '--mesh-config-file', path, '--mode', 'ambient'], { stdin: POD })).code,
      0,
    )
  const wrong = await file('wrong.yaml', 'kind: ConfigMap\ndata: { other: x }\n')
  assert.match((await sluice(['explain', '-f', '-', '--mesh-config-file', wrong], { stdin: POD })).err, /data\.mesh/)
})

for (const { name, argv, stdin, code, says } of [
  { name: 'no file', argv: ['explain'], stdin: '', code: 2, says: /needs -f FILE/ },
  {
    name: 'a file that is not there',
    argv: ['explain', '-f', '/nowhere/x.yaml'],
    stdin: '',
    code: 1,
    says: /cannot read \/nowhere\/x\.yaml: there is no such file/,
  },
  {
    name: 'no YAML',
    argv: ['inject', '-f', '-'],
    stdin: 'a: [1\nb: 2',
    code: 2,
    says: /standard input is no YAML: .*line 2/,
  },
  { name: 'no object', argv: ['inject', '-f', '-'], stdin: '- 1\n', code: 2, says: /no object/ },
  {
    name: 'no pod',
    argv: ['explain', '-f', '-'],
    stdin: 'kind: Service\n',
    code: 2,
    says: /standard input: there is no Pod/,
  },
  {
    name: 'settings that cannot be used',
    argv: ['explain', '-f', '-', '--values-file', '-'],
    stdin: '[1]',
    code: 2,
    says: /values/,
  },
  ...[
    ['kind: ConfigMap\ndata: { mode: sidecar }\n', 'an object of kind "ConfigMap"'],
    ['kind: Deployment\nspec: { template: { spec: {} } }\n', 'an object of kind "Deployment"'],
    ['kind: 5\n', 'an object of kind "5"'],
    ['mode: plugin\ninput: {}\n', 'a document of mode "plugin"'],
    ['mode: sidecar\nconfig: none\n', 'a document whose config is "none"'],
    ['proxyProt: 15001\n', 'a document that says nothing of a pod or of redirection'],
    ['{}', 'a document that says nothing of a pod or of redirection'],
  ].flatMap(([stdin = '', what = '']) =>
    ['rules', 'verify'].map((command) => ({
      name: `${command} of ${what}`,
      argv: [command, '-f', '-'],
      stdin,
      code: 2,
      says: new RegExp(`^error: standard input holds ${what}; what is wanted is a pod, or a configuration`),
    })),
  ),
  {
    name: 'rules of a pod that no API server would take',
    argv: ['rules', '-f', '-'],
    stdin: 'kind: Pod\nmetadata: { name: x, annotations: { a: 1 } }\n',
    code: 2,
    says: /standard input: pod\/x: metadata\.annotations\.a is 1/,
  },
])
  test(`${name}: one sentence, and the exit code tells what kind of problem it is`, async () => {
    const run = await sluice(argv, { stdin })
    assert.equal(run.code, code)
    assert.match(run.err, says)
    assert.equal(run.err.trim().split('\n').length, 1)
  })

test('the rules of an injected pod are printed for either tool, and a pod that gets none says why', async () => {
  const pod = 'kind: Pod\nmetadata: { name: x }\nspec: { containers: [{ name: a, image: b }] }\n'
  const { out } = await sluice(['inject', '-f', '-', '--mode', 'cni'], { stdin: pod })
  const iptables = await sluice(['rules', '-f', '-'], { stdin: out })
  assert.equal(iptables.code, 0)
  assert.match(iptables.out, /-A ISTIO_REDIRECT .*--to-ports 15001/)
  assert.match((await sluice(['rules', '-f', '-', '--backend', 'nftables'], { stdin: out })).out, /redirect to :15001/)
  const away = await sluice(['rules', '-f', '-', '--remove'], { stdin: out })
  assert.equal(away.code, 0)
  assert.match(away.out, /-D OUTPUT -j ISTIO_OUTPUT\n/)
  assert.doesNotMatch(away.out, /^-[AN] /m)
  const plain = await sluice(['rules', '-f', '-'], { stdin: pod })
  assert.deepEqual([plain.code, plain.out], [0, ''])
  assert.match(plain.err, /^no rules: /)
})

test('no command colours what it prints, not even for whoever asks for colours', async () => {
  const pod = await file('plain.yaml', POD)
  for (const argv of [
    ['help'],
    ['explain', '--help'],
    ['explain', '-f', pod],
    ['inject', '-f', pod],
    ['rules', '-f', '/nowhere'],
    ['status', '--kubeconfig', '/dev/null'],
  ]) {
    const env = { ...process.env, FORCE_COLOR: '1', CLICOLOR_FORCE: '1', NO_COLOR: undefined, TERM: 'xterm' }
    const { stdout, stderr } = spawnSync(process.execPath, ['src/main.ts', ...argv], { env, encoding: 'utf8' })
    assert.notEqual(stdout + stderr, '', argv[0])
    assert.ok(!`${stdout}${stderr}`.includes('\u001b'), argv.join(' '))
  }
})

test('a template of the settings that cannot be used is named with its place, whether a pod asks for it or not', async () => {
  const config = await file('config.yaml', 'policy: enabled\ntemplates:\n  odd: "{{ .A.B 1 }}"\n')
  for (const command of ['explain', 'inject']) {
    const { code, err } = await sluice([command, '-f', '-', '--inject-config-file', config], { stdin: POD })
    assert.equal(code, 0, err)
    assert.match(
      err,
      /^settings: template_unusable: the injection template "odd" .* line 1, column 4: only a function takes arguments/,
    )
  }
})
