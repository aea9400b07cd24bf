import { type Figure, median, quantile } from './figure.ts'
import { childrenCpuMs } from './usage.ts'

/** One kind of work, measured round by round. */
export class Timed {
  readonly what: string
  readonly #goal: string | null
  readonly #cpu: number[] = []
  readonly #wall: number[] = []

  constructor(what: string, goal: string | null) {
    this.what = what
    this.#goal = goal
  }

  async run<T>(work: () => Promise<T>, counts: boolean): Promise<T> {
    const [cpu, children, start] = [process.cpuUsage(), childrenCpuMs(), performance.now()]
    const result = await work()
    const wall = performance.now() - start
    const { user, system } = process.cpuUsage(cpu)
    if (counts) {
      this.#wall.push(wall)
      this.#cpu.push((user + system) / 1000 + childrenCpuMs() - children)
    }
    return result
  }

  figures(of: string): readonly Figure[] {
    // the mean: the CPU time of programs comes in ticks
    const mean = this.#cpu.reduce((sum, ms) => sum + ms, 0) / this.#cpu.length
    return [
      { name: `${of}, ${this.what}: CPU`, value: mean, unit: 'ms', goal: this.#goal },
      { name: `${of}, ${this.what}: median`, value: median(this.#wall), unit: 'ms', goal: null },
      { name: `${of}, ${this.what}: p99`, value: quantile(this.#wall, 0.99), unit: 'ms', goal: null },
    ]
  }
}
