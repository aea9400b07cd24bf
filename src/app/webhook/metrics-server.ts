import { fastify, type FastifyInstance } from 'fastify'
import type { WebhookMetrics } from './record.ts'

/** `/metrics`, on a port of its own: whoever scrapes needs no way to the webhook. `refresh` sets the gauges just before. */
export function metricsServer(metrics: WebhookMetrics, refresh: () => void): FastifyInstance {
  const app = fastify({ exposeHeadRoutes: false })
  app.get('/metrics', async (_request, reply) => {
    refresh()
    return await reply.type(metrics.contentType).send(await metrics.text())
  })
  return app
}
