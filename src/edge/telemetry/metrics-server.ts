import { fastify, type FastifyInstance } from 'fastify'

/** What is served at `/metrics`. */
export interface MetricsText {
  readonly contentType: string
  readonly text: () => Promise<string>
}

/** `/metrics`, on a port of its own: whoever scrapes needs no way to anything else. `refresh` sets the gauges just before. */
export function metricsServer(metrics: MetricsText, refresh: () => void): FastifyInstance {
  const app = fastify({ exposeHeadRoutes: false })
  app.get('/metrics', async (_request, reply) => {
    refresh()
    return await reply.type(metrics.contentType).send(await metrics.text())
  })
  return app
}
