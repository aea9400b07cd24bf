import type { JsonObject } from '../../json/value.ts'
import { stringOr } from '../../json/value.ts'
import type { Taint } from '../node-set.ts'

/** The effects that keep a pod away; `PreferNoSchedule` only asks. */
const KEEPS_AWAY = ['NoSchedule', 'NoExecute']

/** Can a pod with these tolerations be scheduled on a node with these taints? As the scheduler says. */
export function tolerates(tolerations: readonly JsonObject[], taints: readonly Taint[]): boolean {
  return taints.every(
    (taint) =>
      !KEEPS_AWAY.includes(taint.effect) || tolerations.some((toleration) => toleratesTaint(toleration, taint)),
  )
}

/** An empty effect or key means any; `Lt` and `Gt` compare whole numbers (an alpha of Kubernetes 1.35). */
function toleratesTaint(toleration: JsonObject, taint: Taint): boolean {
  const effect = stringOr(toleration['effect']) ?? ''
  const key = stringOr(toleration['key']) ?? ''
  const value = stringOr(toleration['value']) ?? ''
  if (effect !== '' && effect !== taint.effect) return false
  if (key !== '' && key !== taint.key) return false
  switch (stringOr(toleration['operator']) ?? '') {
    case '':
    case 'Equal':
      return value === taint.value
    case 'Exists':
      return true
    case 'Lt':
      return wholeNumber(taint.value) < wholeNumber(value)
    case 'Gt':
      return wholeNumber(taint.value) > wholeNumber(value)
    default:
      return false
  }
}

/** NaN, which compares false with everything, where the text is no whole number. */
export function wholeNumber(text: string): number {
  return /^-?\d+$/.test(text) ? Number(text) : NaN
}
