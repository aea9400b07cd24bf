# The image holds what runs and nothing else: Node, Sluice's sources (types are stripped at start) and its libraries.
# Build: docker build --build-arg NODE_IMAGE=… --build-arg BASE_IMAGE=… -t sluice .
ARG NODE_IMAGE=node:24-bookworm-slim
ARG BASE_IMAGE=gcr.io/distroless/nodejs24-debian12:nonroot

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /sluice
COPY package.json package-lock.json .npmrc ./
# the Node of the base image runs it, not the one that the lock file brings for development
RUN npm ci --omit=dev && rm -r node_modules/node-linux-*

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="sluice" \
      org.opencontainers.image.description="Puts pods into an Istio mesh with the least privilege that works, and proves that it worked" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /sluice
COPY --from=dependencies /sluice/node_modules ./node_modules
COPY package.json ./
COPY src ./src
USER 65532:65532
ENTRYPOINT ["/nodejs/bin/node", "/sluice/src/main.ts"]
CMD ["--help"]
