/** The agent under measurement, in the folder and with the tools of its first message: tells that it works, then on request what it uses. */
import { once } from 'node:events'
import { startAgent } from '../../src/app/agent/start.ts'
import type { AgentOptions } from '../../src/app/agent/options.ts'
import { answerUsage } from './ready.ts'

const [options] = (await once(process, 'message')) as [AgentOptions]
await startAgent(options)
answerUsage()
process.send?.('ready')
