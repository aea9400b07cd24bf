import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { parseEnablement } from '../../src/core/settings/enablement-text.ts'
import { CHART, renderChart } from '../../scripts/chart/helm.ts'
import { ISTIO_CNI_REFUSALS } from '../../scripts/chart/istio-cni-values.ts'
import { PLAIN_MANIFESTS, plainManifest } from '../../scripts/chart/plain-manifests.ts'
import { VALUES_SCHEMA } from '../../scripts/chart/values-schema.ts'
import type { ValueSchema } from '../../scripts/chart/values-text.ts'
import { COMMANDS } from '../../src/app/commands/commands.ts'
import { containersOf } from '../../src/core/json/pod.ts'
import { isList, type JsonObject, objectOr, objectsOf, stringOr } from '../../src/core/json/value.ts'
import { ownAmbientEntries } from '../../src/core/decision/selectors.ts'
import { parseSelector } from '../../src/core/settings/label-selector.ts'
import { parsePolicy } from '../../src/core/settings/policy.ts'

function objects(...args: readonly string[]): readonly JsonObject[] {
  const { ok, text } = renderChart(args)
  assert.ok(ok, text)
  return parseAllDocuments(text).flatMap((document) => {
    assert.deepEqual(document.errors, [])
    return document.contents === null ? [] : [document.toJS() as JsonObject]
  })
}

function named(all: readonly JsonObject[], kind: string, name: string): JsonObject {
  const found = all.find((one) => one['kind'] === kind && objectOr(one['metadata'])['name'] === name)
  assert.ok(found, `no ${kind} ${name}`)
  return found
}

const podOf = (workload: JsonObject): JsonObject => objectOr(objectOr(workload['spec'])['template'])

test('the plain manifests are what the chart renders', () => {
  for (const manifest of PLAIN_MANIFESTS)
    assert.equal(readFileSync(manifest.path, 'utf8'), plainManifest(manifest), `${manifest.path}: npm run render`)
})

test('every value that the schema offers is used by a template', () => {
  const templates = readdirSync(join(CHART, 'templates'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('\n')
  const leaves = (schema: ValueSchema): readonly string[] =>
    Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
      field.default === undefined && field.properties !== undefined ? leaves(field) : [name],
    )
  const all = leaves(VALUES_SCHEMA)
  assert.ok(all.length > 50, `${all.length} values`)
  assert.deepEqual(
    all.filter((name) => !new RegExp(`\\.${name}\\b`).test(templates)),
    [],
  )
})

test('a value that does not exist, and a policy that cannot be used, are refused by name', () => {
  const misspelt = renderChart(['--set', 'webhook.replicaCuont=3'])
  assert.equal(misspelt.ok, false)
  assert.match(misspelt.text, /replicaCuont/)
  const policy = renderChart(['--set', 'policy.netAdmin.default=perhaps'])
  assert.equal(policy.ok, false)
  assert.match(policy.text, /policy\/netAdmin\/default/)
  const platform = renderChart(['--set', 'global.platform=moon'])
  assert.equal(platform.ok, false)
  assert.match(platform.text, /global\.platform is "moon"; it must be one of .*default/)
})

test('values written for istio-cni are refused by name, in one sentence that says what to do', () => {
  const values = {
    cni: { cniBinDir: '/opt/cni/bin', provider: 'multus', ambient: { ipv6: false, dnsCapture: true } },
    ...{ repair: { enabled: true }, cniConfDir: '/etc/cni/net.d' },
  }
  const { ok, text } = renderChart(Object.entries(values).flatMap((entry) => ['--set-json', asJson(entry)]))
  assert.equal(ok, false)
  assert.match(text, /values of istio-cni that are not Sluice's: /)
  for (const said of [
    /cni\.provider \(cni\.chained=false or global\.platform=openshift is for Multus\)/,
    /cni\.ambient\.ipv6 \(a pod that has an IPv6 address always gets rules for it\)/,
    /[ ,]repair \(running pods are always repaired, and policy\.repair /,
    /cniConfDir \(write it as cni\.cniConfDir\)/,
  ])
    assert.match(text, said)
  assert.doesNotMatch(text, /cniBinDir|dnsCapture/)
  const page = readFileSync('docs/migration.md', 'utf8')
  for (const { path } of ISTIO_CNI_REFUSALS) {
    const [name, each] = [path.filter((part) => part !== 'cni').join('.'), ['--set', `${path.join('.')}=x`]]
    assert.match(renderChart(each).text, new RegExp(`istio-cni.*${path.join('\\.')} \\(`), name)
    assert.ok(page.includes(`\`${name}`), `docs/migration.md does not name ${name}`)
  }
})

const asJson = ([name, value]: readonly [string, unknown]): string => `${name}=${JSON.stringify(value)}`

test('profile strict denies NET_ADMIN and opt-outs, and what the policy says wins', () => {
  const policyOf = (...args: readonly string[]) =>
    parsePolicy(
      stringOr(objectOr(named(objects(...args), 'ConfigMap', 'sluice-policy')['data'])['policy']) ?? 'no policy',
    )
  assert.equal(policyOf().netAdmin.default, 'allow')
  const strict = policyOf('--set', 'profile=strict')
  assert.deepEqual([strict.netAdmin.default, strict.optOut.default], ['deny', 'deny'])
  const own = policyOf('--set', 'profile=strict', '--set', 'policy.optOut.default=allow')
  assert.deepEqual([own.netAdmin.default, own.optOut.default], ['deny', 'allow'])
})

for (const value of ['policy.ambientEnablement', 'cni.ambient.enablementSelectors'])
  test(`${value} says who is for ambient, to the webhook's policy and to the agents alike`, () => {
    const pairs = [{ podSelector: { matchLabels: { team: 'mesh' } } }]
    const all = objects('--set-json', `${value}=${JSON.stringify(pairs)}`)
    const policy = stringOr(objectOr(named(all, 'ConfigMap', 'sluice-policy')['data'])['policy']) ?? ''
    const flag = /--ambient-enablement=([^\n]*)/.exec(
      renderChart(['--set-json', `${value}=${JSON.stringify(pairs)}`]).text,
    )
    assert.deepEqual(parsePolicy(policy).ambientEnablement, parseEnablement(JSON.stringify(pairs)))
    assert.deepEqual(parseEnablement(flag?.[1] ?? ''), parseEnablement(JSON.stringify(pairs)))
  })

test("selectors of one's own for ambient are asked about by entries of their own, Istio's are already", () => {
  const pairs = [
    { podSelector: { matchLabels: { 'istio.io/dataplane-mode': 'ambient' } } },
    { podSelector: { matchLabels: { team: 'mesh' }, matchExpressions: [{ key: 'zone', operator: 'Exists' }] } },
    { namespaceSelector: { matchExpressions: [{ key: 'mesh', operator: 'NotIn', values: ['no'] }] } },
  ]
  const [usual, own] = [[], ['--set-json', `policy.ambientEnablement=${JSON.stringify(pairs)}`]].map((args) =>
    objectsOf(named(objects(...args), 'MutatingWebhookConfiguration', 'sluice')['webhooks']),
  )
  assert.ok(usual !== undefined && own !== undefined)
  assert.deepEqual(own.slice(0, usual.length), usual)
  const selectors = (webhook: JsonObject) =>
    (['namespaceSelector', 'objectSelector'] as const).map((field) => {
      const parsed = parseSelector(webhook[field])
      assert.ok(parsed.is === 'selector', JSON.stringify(webhook))
      return parsed.selector
        .filter(({ key }) => key !== 'kubernetes.io/metadata.name')
        .map((one) => JSON.stringify(one))
    })
  const audience = { revision: 'default', isDefault: true, namespacesByDefault: false }
  const expected = ownAmbientEntries(audience, parseEnablement(JSON.stringify(pairs))).slice(4)
  assert.equal(expected.length, 8)
  assert.deepEqual(
    own.slice(usual.length).map((webhook) => [webhook['name'], selectors(webhook).map((one) => one.toSorted())]),
    expected.map(({ name, namespaceSelector, objectSelector }) => [
      `${name}.sluice-mesh.io`,
      [namespaceSelector, objectSelector].map((one) => one.map((part) => JSON.stringify(part)).toSorted()),
    ]),
  )
  // whatever they say, the namespaces without which no cluster starts stay out
  for (const webhook of own) assert.match(JSON.stringify(webhook['namespaceSelector']), /kube-system/)
  const revision = objects(...['--set', 'revision=canary'], '--set-json', 'policy.ambientEnablement=[{}]')
  assert.doesNotMatch(JSON.stringify(revision.filter((one) => 'webhooks' in one)), /ambient\.own/)
})

test('two values that differ about who is for ambient are refused', () => {
  const args = ['policy.ambientEnablement=[{"podSelector":{}}]', 'cni.ambient.enablementSelectors=[{}]']
  assert.match(renderChart(args.flatMap((arg) => ['--set-json', arg])).text, /are one setting/)
})

test('no field is rendered that a controller owns', () => {
  const all = objects('--set', 'webhook.autoscaling.enabled=true')
  assert.equal('replicas' in objectOr(named(all, 'Deployment', 'sluice-webhook')['spec']), false)
  assert.doesNotMatch(JSON.stringify(all), /caBundle/)
})

test('what registers an installation says which revision it serves, and has no label that istiod acts on', () => {
  for (const revision of ['default', 'canary']) {
    const labels = objects('--set', `revision=${revision}`)
      .filter((object) => 'webhooks' in object)
      .map(({ metadata }) => objectOr(objectOr(metadata)['labels']))
    assert.deepEqual(
      labels.map((each) => [each['sluice-mesh.io/revision'], each['istio.io/rev']]),
      [
        [revision, undefined],
        [revision, undefined],
      ],
    )
  }
})

test('AKS is told to leave the selectors of the registrations alone, and nobody else is told', () => {
  const label = (...args: readonly string[]): readonly unknown[] =>
    objects(...args)
      .filter((object) => 'webhooks' in object)
      .map(({ metadata }) => objectOr(objectOr(metadata)['labels'])['admissions.enforcer/disabled'])
  assert.deepEqual(label('--set', 'global.platform=aks'), ['true', 'true'])
  assert.deepEqual(label(), [undefined, undefined])
})

test('what all revisions share comes with one release: that of the default revision, or the one that is told', () => {
  const shared = (...values: readonly string[]): readonly string[] =>
    objects(...values.flatMap((value) => ['--set', value]))
      .map(({ kind, metadata }) => `${stringOr(kind) ?? ''} ${stringOr(objectOr(metadata)['name']) ?? ''}`)
      .filter((name) => /^(DaemonSet|ConfigMap) |ValidatingAdmissionPolicy sluice-(seal|fence)/.test(name))
      .sort()
  const all = [
    'ConfigMap sluice-policy',
    'DaemonSet sluice-agent',
    'ValidatingAdmissionPolicy sluice-fence',
    'ValidatingAdmissionPolicy sluice-seal',
  ]
  assert.deepEqual(shared(), all)
  assert.deepEqual(shared('revision=canary'), [])
  assert.deepEqual(shared('revision=canary', 'shared=true'), all)
  assert.match(renderChart(['--set', 'revision=Not/One']).text, /revision/)
})

test('Sluice itself is outside every mesh, and asks for no more privilege than it needs', () => {
  const all = objects()
  const workloads = all.filter(({ kind }) => kind === 'Deployment' || kind === 'DaemonSet')
  assert.equal(workloads.length, 2)
  for (const workload of workloads) {
    const pod = podOf(workload)
    const labels = objectOr(objectOr(pod['metadata'])['labels'])
    assert.equal(labels['sidecar.istio.io/inject'], 'false')
    assert.equal(labels['istio.io/dataplane-mode'], 'none')
    for (const { container } of containersOf(pod)) {
      const security = objectOr(container['securityContext'])
      assert.equal(security['readOnlyRootFilesystem'], true)
      assert.equal(security['allowPrivilegeEscalation'], false)
      assert.deepEqual(objectOr(security['capabilities'])['drop'], ['ALL'])
      assert.notEqual(objectOr(container['resources'])['limits'], undefined)
    }
  }
})

test('security modules of the node are told to the agent by value', () => {
  const agentsSecurity = (...args: readonly string[]) => {
    const [agent] = containersOf(podOf(named(objects(...args), 'DaemonSet', 'sluice-agent')))
    return objectOr(agent?.container['securityContext'])
  }
  assert.equal(agentsSecurity()['appArmorProfile'], undefined)
  const set = ['--set', 'cni.appArmorProfile.type=Unconfined', '--set', 'cni.seLinuxOptions.type=spc_t']
  assert.deepEqual(agentsSecurity(...set)['appArmorProfile'], { type: 'Unconfined' })
  assert.deepEqual(agentsSecurity(...set)['seLinuxOptions'], { type: 'spc_t' })
})

test('the agent gets the rights that its self-test was shown to need, and a raw socket only for iptables-legacy', () => {
  const rightsOf = (backend: string): unknown => {
    const [agent] = containersOf(podOf(named(objects('--set', `cni.backend=${backend}`), 'DaemonSet', 'sluice-agent')))
    const { args, securityContext } = objectOr(agent?.container)
    assert.ok(isList(args) && args.includes(`--backend=${backend}`))
    return objectOr(objectOr(securityContext)['capabilities'])['add']
  }
  const usual = ['SYS_ADMIN', 'NET_ADMIN', 'SETUID', 'SETGID']
  for (const backend of ['auto', 'libnftables', 'nft', 'iptables-nft']) assert.deepEqual(rightsOf(backend), usual)
  assert.deepEqual(rightsOf('iptables-legacy'), [...usual, 'NET_RAW'])
})

test('the agent is told how its entry goes to the runtime, and where the platform has it', () => {
  const told = (...args: readonly string[]) => {
    const pod = podOf(named(objects(...args), 'DaemonSet', 'sluice-agent'))
    const env = containersOf(pod).flatMap(({ container }) => objectsOf(container['env']))
    const folders = objectsOf(objectOr(pod['spec'])['volumes'])
    return {
      env: Object.fromEntries(env.map(({ name, value }) => [stringOr(name) ?? '', stringOr(value)])),
      folders: Object.fromEntries(
        folders.map(({ name, hostPath }) => [stringOr(name) ?? '', stringOr(objectOr(hostPath)['path'])]),
      ),
    }
  }
  assert.equal(told().env['SLUICE_CNI_CONF_MODE'], 'chained')
  const openshift = told('--set', 'global.platform=openshift')
  assert.equal(openshift.env['SLUICE_CNI_CONF_MODE'], 'standalone')
  assert.deepEqual(
    [openshift.folders['cni-bin'], openshift.folders['cni-conf']],
    ['/var/lib/cni/bin', '/etc/cni/multus/net.d'],
  )
  const chained = told('--set', 'global.platform=openshift,cni.chained=true,cni.cniConfFileName=10-x.conflist')
  assert.equal(chained.env['SLUICE_CNI_CONF_MODE'], 'chained')
  assert.equal(chained.env['SLUICE_CNI_CONF_NAME'], '10-x.conflist')
  for (const { env, folders } of [told(), openshift, told('--set', 'cni.cniBinDir=/b,cni.cniConfDir=/c')])
    assert.deepEqual(
      [env['SLUICE_NODE_CNI_BIN_DIR'], env['SLUICE_NODE_CNI_CONF_DIR']],
      [folders['cni-bin'], folders['cni-conf']],
    )
  const owned = told('--set', 'cni.istioOwnedCNIConfig=true')
  assert.deepEqual(
    [owned.env['SLUICE_CNI_CONF_MODE'], owned.env['SLUICE_CNI_OWN_FILE']],
    ['owned', '02-sluice-cni.conflist'],
  )
  assert.equal(told('--set', 'cni.chained=false').env['SLUICE_CNI_CONF_MODE'], 'standalone')
  const both = renderChart(['--set', 'cni.istioOwnedCNIConfig=true,cni.chained=false'])
  assert.match(both.text, /cannot go with cni\.chained=false/)
})

test('each flag that the chart passes is one of the command', async () => {
  const all = objects(
    '--set',
    'certManager.enabled=true',
    '--set',
    'webhook.compliancePolicy=x',
    '--set',
    'webhook.platform=openshift',
  )
  let checked = 0
  for (const [kind, name] of [
    ['Deployment', 'sluice-webhook'],
    ['DaemonSet', 'sluice-agent'],
  ] as const)
    for (const { container } of containersOf(podOf(named(all, kind, name)))) {
      const [command, ...args] = isList(container['args']) ? container['args'].map(String) : []
      const row = COMMANDS.find((each) => each.name === command)
      assert.ok(row, `there is no command ${String(command)}`)
      const { flags } = await row.load()
      const known = flags.flatMap((flag) => [flag.name, ...(flag.aliases ?? [])])
      const names = objectsOf(container['env']).map((variable) => stringOr(variable['name']) ?? '')
      // those of the C library are no flags of ours
      const variables = names.filter((name) => !name.startsWith('MALLOC_'))
      const used = [
        ...args.map((arg) => arg.replace(/^--/, '').replace(/=.*/s, '')),
        ...variables.map((variable) =>
          variable
            .replace(/^SLUICE_/, '')
            .toLowerCase()
            .replaceAll('_', '-'),
        ),
      ]
      assert.deepEqual(
        used.filter((flag) => !known.includes(flag)),
        [],
        `${name} does not know these flags`,
      )
      checked += used.length
    }
  assert.ok(checked > 10)
})

test('no two objects have one name, also where webhook and agent share a namespace', () => {
  const names = objects().map(({ kind, metadata }) => {
    const { namespace, name } = objectOr(metadata)
    return JSON.stringify([kind, namespace, name])
  })
  assert.ok(names.length > 30)
  assert.deepEqual(
    names.filter((name, at) => names.indexOf(name) !== at),
    [],
  )
})
