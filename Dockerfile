# The image is the root file system that `npm run image` assembles: Node, the bundled program, its CNI plugin, libnftables, nft and
# iptables. No shell and no package manager. The tests of the node run the same file system, made by the same script.
# Build for several platforms: docker buildx build --platform linux/amd64,linux/arm64 -t REGISTRY/sluice:VERSION --push .
# A tag, not a digest: no layer of it ships, and a digest written down here would keep old security fixes of Debian and Go away until somebody
# changed it. Node and npm's packages are those of the lock file; nft, iptables and the C library come by apt, which checks their signatures,
# in the versions of the day. To build the same again, name the digest that `docker buildx imagetools inspect golang:1.26-bookworm` says:
# --build-arg BUILD_IMAGE=golang:1.26-bookworm@sha256:DIGEST
ARG BUILD_IMAGE=golang:1.26-bookworm

FROM ${BUILD_IMAGE} AS build
# npm only fetches what the lock file names; Node 24, which runs everything after that, is among it
RUN apt-get update && apt-get install --yes --no-install-recommends npm
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run image -- --root /rootfs

FROM scratch
LABEL org.opencontainers.image.title="sluice" \
      org.opencontainers.image.description="Puts pods into an Istio mesh with the least privilege that works, decided pod by pod, and proves that it worked." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /rootfs /
# where nft and iptables are
ENV PATH=/usr/sbin:/usr/bin
# the webhook needs no more; the agent's DaemonSet says that it runs as root, and which capabilities it keeps
USER 65532:65532
ENTRYPOINT ["/usr/bin/node", "--max-semi-space-size=4", "--heap-growing-percent=20", "/sluice/main.js"]
CMD ["--help"]
