/** How a configuration came to be in the journal. `kept`: it lay on the disk, not in force, when another was put back. */
export const CONFIGURATION_CAUSES = ['start', 'edit', 'rollback', 'kept'] as const;
export type ConfigurationCause = (typeof CONFIGURATION_CAUSES)[number];
