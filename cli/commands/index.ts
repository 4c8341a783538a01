import type { Command } from 'commander';
import type { Cli } from '../cli.js';
import { addAlarms } from './alarms.js';
import { addAudit } from './audit.js';
import { addChaos } from './chaos.js';
import { addChannels } from './channels.js';
import { addCheck } from './check.js';
import { addConfig } from './config.js';
import { addDeadLetters } from './dead-letters.js';
import { addDiff } from './diff.js';
import { addForwarding } from './forwarding.js';
import { addHealth } from './health.js';
import { addHistory } from './history.js';
import { addKill, addRestart } from './supervise.js';
import { addKeys } from './keys.js';
import { addLedger } from './ledger.js';
import { addMint } from './mint.js';
import { addModels } from './models.js';
import { addNode } from './node.js';
import { addMeters } from './meters.js';
import { addPoints } from './points.js';
import { addPs } from './ps.js';
import { addReconcile } from './reconcile.js';
import { addReadings } from './readings.js';
import { addRules } from './rules.js';
import { addShow } from './show.js';
import { addTail } from './tail.js';
import { addTop } from './top.js';
import { addTree } from './tree.js';
import { addUp } from './up.js';
import { addUsers } from './users.js';
import { addWrite } from './write.js';

/** Adds one command to the program. */
export type AddCommand = (program: Command, cli: Cli) => void;

/** Every command, in the order of the help. */
export const COMMANDS: readonly AddCommand[] = [
  addUp,
  addNode,
  addCheck,
  addDiff,
  addChaos,
  addHealth,
  addChannels,
  addPoints,
  addTail,
  addHistory,
  addWrite,
  addModels,
  addAlarms,
  addRules,
  addForwarding,
  addMint,
  addLedger,
  addReconcile,
  addConfig,
  addMeters,
  addReadings,
  addPs,
  addShow,
  addTop,
  addTree,
  addKill,
  addRestart,
  addDeadLetters,
  addUsers,
  addKeys,
  addAudit,
];
