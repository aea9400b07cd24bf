import { type AlertRow, ALERTS } from '../chart/alerts.ts'
import { type Page, table } from './page.ts'

/** docs/alerts.md: a runbook for each alert that the chart holds. */
export const ALERTS_PAGE: Page = {
  path: 'docs/alerts.md',
  text: async () =>
    await Promise.resolve(
      [
        '# Alerts',
        'One runbook for each alert of the chart (`prometheusRule.enabled=true`; `serviceMonitor.enabled=true` has the metrics read). Two of them go by metrics of the API server itself, which most Prometheus installations read already. Without the operator, `manifests/chart/files/alerts.json` is a rule file of Prometheus as it stands. Commands name the namespace `sluice-system`; put yours in its place. Made by `npm run generate` from `scripts/chart/alerts.ts`.',
        table(
          ['alert', 'severity', 'for', 'fires while'],
          rows().map(([name, { severity, lasts, expr }]) => [
            `[${name}](#${name.toLowerCase()})`,
            severity,
            lasts,
            `\`${expr}\``,
          ]),
        ),
        ...rows().flatMap(section),
        '',
      ].join('\n\n'),
    ),
}

function rows(): readonly [string, AlertRow][] {
  return Object.entries<AlertRow>(ALERTS)
}

function section([name, { means, look, act }]: readonly [string, AlertRow]): readonly string[] {
  return [
    `## ${name}`,
    means,
    'To look at:',
    look.map((line) => `    ${line}`).join('\n'),
    'To do:',
    act.map((line) => `- ${line}`).join('\n'),
  ]
}
