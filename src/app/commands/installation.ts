import type { Installation } from '../webhook/world.ts'
import type { FlagRow, FlagValues } from './command.ts'

/** Which installation of the mesh: the revision, where its settings stand, and istiod's own environment variables. */
export const INSTALLATION_FLAGS: readonly FlagRow[] = [
  { name: 'revision', value: 'NAME', default: 'default', help: 'the revision of the control plane that is served' },
  { name: 'istio-namespace', value: 'NAME', default: 'istio-system', help: "where istiod's ConfigMaps are" },
  { name: 'sluice-namespace', value: 'NAME', default: 'sluice-system', help: "where Sluice's policy is" },
  { name: 'platform', value: 'NAME', default: '', help: "istiod's PLATFORM: openshift, or nothing" },
  {
    name: 'native-sidecars',
    value: 'SETTING',
    choices: ['auto', 'true', 'false'],
    default: 'auto',
    help: "istiod's ENABLE_NATIVE_SIDECARS",
  },
  { name: 'compliance-policy', value: 'NAME', default: '', help: "istiod's COMPLIANCE_POLICY, for example fips-140-3" },
]

/** What the flags of `INSTALLATION_FLAGS` say. */
export function installationOf(flags: FlagValues): Installation {
  return {
    revision: flags['revision'] ?? '',
    istioNamespace: flags['istio-namespace'] ?? '',
    sluiceNamespace: flags['sluice-namespace'] ?? '',
    agentNamespace: flags['agent-namespace'] ?? '',
    platform: flags['platform'] ?? '',
    nativeSidecars: flags['native-sidecars'] ?? 'auto',
    compliancePolicy: flags['compliance-policy'] ?? '',
  }
}
