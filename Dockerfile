# The image of a node: the page, the server with the page inside, and a small system to run it on.

FROM node:22-bookworm-slim AS web
WORKDIR /klatsch/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web ./
RUN npm run build

FROM rust:1-bookworm AS server
WORKDIR /klatsch
COPY Cargo.toml Cargo.lock build.rs ./
COPY benches benches
COPY config config
COPY migrations migrations
COPY src src
COPY --from=web /klatsch/web/dist web/dist
RUN cargo build --release --locked --bin klatsch

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl libssl3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/klatsch klatsch
COPY --from=server /klatsch/target/release/klatsch /usr/local/bin/klatsch
USER klatsch
WORKDIR /var/lib/klatsch
ENV KLATSCH__SERVER__LISTEN=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["curl", "-fsS", "http://127.0.0.1:8080/readyz"]
CMD ["klatsch", "serve"]
