/** Alarms of `sluice_alarms` that an alert of their own stands for. */
export const ALARMS = {
  facts: ['facts_stale', 'pods_unknown'],
  configuration: ['configuration_missing', 'configuration_unusable', 'policy_invalid', 'template_unusable'],
  entry: [
    'cni_config_absent',
    'cni_config_named_absent',
    'cni_config_unusable',
    'cni_config_outranked',
    'cni_config_taken',
    'cni_directory_unreadable',
    'cni_plugin_failed',
    'cni_write_failed',
  ],
  fight: ['cni_config_fight'],
  ztunnel: [
    'ztunnel_not_connected',
    'ztunnel_silent',
    'ztunnel_unreachable',
    'ztunnel_busy',
    'ztunnel_malformed',
    'ztunnel_unasked',
    'ztunnel_socket_unusable',
    'ztunnel_socket_owned',
    'ztunnel_thread_ended',
    'ztunnel_stranger',
  ],
  pods: ['pod_not_redirected', 'pod_unproven'],
} as const

/** Selects the alarms `codes` of `sluice_alarms`. */
export const alarm = (...codes: readonly string[]): string => `sluice_alarms{reason=~"${codes.join('|')}"}`
