import { ALERTS_PAGE } from './alerts.ts'
import { ANNOTATIONS_PAGE } from './annotations.ts'
import { CHART_PAGES } from './chart.ts'
import { CHECKS_PAGE } from './checks.ts'
import { CLI } from './cli.ts'
import { FIDELITY_PAGE } from './fidelity.ts'
import { INSTALLER_PAGE } from './installer.ts'
import { METRICS_PAGE } from './metrics.ts'
import type { Page } from './page.ts'
import { POLICY_PAGE } from './policy.ts'
import { REASONS_PAGE } from './reasons.ts'
import { RIGHTS_PAGE } from './rights.ts'

/** Every generated file; to add one: a file beside this and a row here. */
export const PAGES: readonly Page[] = [
  ALERTS_PAGE,
  ANNOTATIONS_PAGE,
  ...CHART_PAGES,
  CHECKS_PAGE,
  CLI,
  FIDELITY_PAGE,
  INSTALLER_PAGE,
  METRICS_PAGE,
  POLICY_PAGE,
  REASONS_PAGE,
  RIGHTS_PAGE,
]
