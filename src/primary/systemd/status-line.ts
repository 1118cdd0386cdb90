/** Runs in the primary. The one line that `systemctl status` shows of the daemon; pure. */
import type { ReloadReport, ReloadStage } from '../../control/definition.js';
import type { Phase } from '../phases.js';

export interface ServiceView {
  readonly phase: Phase;
  /** Workers in all, ready ones, and how many there shall be. */
  readonly workers: number;
  readonly ready: number;
  readonly goal: number;
  readonly generation: number;
  /** How far the reload is that runs. */
  readonly stage: ReloadStage | null;
  readonly last: Pick<ReloadReport, 'verdict' | 'error'> | null;
}

export function statusLine({ phase, workers, ready, goal, generation, stage, last }: ServiceView): string {
  switch (phase) {
    case 'booting':
      return `Starting: ${ready} of ${goal} workers ready`;
    case 'stopping':
      return workers === 1 ? 'Stopping: 1 worker finishes its calls' : `Stopping: ${workers} workers finish their calls`;
    case 'serving': {
      const parts = [`Serving: ${ready} of ${goal} workers ready`, `generation ${generation}`];
      if (stage !== null) parts.push(`reload: ${stage}`);
      else if (last !== null) parts.push(`last reload ${last.verdict}${last.error === '' ? '' : `: ${last.error}`}`);
      return parts.join(', ');
    }
  }
}

/** Why systemd's watchdog should not be answered; null when all is well. */
export function ailmentOf({ phase, ready }: Pick<ServiceView, 'phase' | 'ready'>): string | null {
  return phase === 'serving' && ready === 0 ? 'no worker is ready' : null;
}
