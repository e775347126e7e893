# genius-bench and all that it needs. docs/guides/containers.md says how to run it.
FROM python:3.11-slim-bookworm

# bubblewrap runs model-written code. Debian's own version: its security updates are wanted.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends bubblewrap \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/genius-bench
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY genius_bench genius_bench
COPY trainers trainers
COPY tasks tasks
COPY leaderboards leaderboards
COPY examples examples

ARG EXTRAS=board
RUN pip install --no-cache-dir -c constraints.txt ".[${EXTRAS}]"

RUN useradd --create-home --uid 1000 bench && mkdir /home/bench/home && chown bench /home/bench/home
USER 1000
WORKDIR /home/bench
ENV GENIUS_BENCH_HOME=/home/bench/home
VOLUME /home/bench/home
ENTRYPOINT ["genius-bench"]
CMD ["--help"]
