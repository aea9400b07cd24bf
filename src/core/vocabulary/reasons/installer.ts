import type { ReasonRow } from './reason-row.ts'

/** Reasons of the agent's installer: plugin and entry on a node. */
export const INSTALLER_REASONS = {
  cni_in_place: {
    level: 'skip',
    says: (p: { file: string }) => `the runtime's CNI configuration ${p.file} runs Sluice's plugin last`,
    fix: null,
  },
  cni_config_absent: {
    level: 'alarm',
    says: (p: { directory: string; looked: string }) =>
      `${p.directory} holds no CNI configuration yet that a runtime could use${p.looked}`,
    fix: 'let the main CNI plugin write its configuration; Sluice waits for it and never writes one of its own in its place',
  },
  cni_config_named_absent: {
    level: 'alarm',
    says: (p: { file: string }) => `the CNI configuration ${p.file}, which the settings name, is not there yet`,
    fix: 'correct the name, or leave it out to follow what the runtime uses',
  },
  cni_config_unusable: {
    level: 'alarm',
    says: (p: { file: string; problem: string }) => `the CNI configuration ${p.file} ${p.problem}`,
    fix: 'have its owner write it anew; Sluice changes no file that it cannot read',
  },
  cni_config_outranked: {
    level: 'alarm',
    says: (p: { file: string; by: string }) =>
      `the runtime uses ${p.by}, which sorts before ${p.file}, where Sluice's entry is`,
    fix: 'rename one of the two files, or leave the name out of the settings to follow what the runtime uses',
  },
  cni_config_taken: {
    level: 'alarm',
    says: (p: { file: string }) => `${p.file} is needed for Sluice's entry, but it is a file of somebody else's`,
    fix: 'remove the file if it is a leftover, or name another one in the settings',
  },
} as const satisfies Record<string, ReasonRow>
