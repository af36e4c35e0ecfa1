# Build: a virtual environment with what the lock files name, and Colloquy itself.
FROM python:3.11-slim AS build

# For gunicorn's HTTP parser, which comes as C source.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/colloquy
WORKDIR /src

# The dependencies first: this layer is built again only when a lock file changes.
COPY requirements-run.lock requirements-fast.lock ./
RUN /opt/colloquy/bin/pip install --no-deps --require-hashes \
    --requirement requirements-run.lock --requirement requirements-fast.lock

COPY pyproject.toml README.md LICENSE openapi.yaml ./
COPY app ./app
RUN /opt/colloquy/bin/pip install --no-deps .

# Run: Python, that environment, and a folder for the data that the server alone may enter.
FROM python:3.11-slim

COPY --from=build /opt/colloquy /opt/colloquy
RUN install --directory --mode 0700 --owner 10001 --group 10001 /data

ENV PATH=/opt/colloquy/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    COLLOQUY_HOST=0.0.0.0 \
    COLLOQUY_PORT=8080 \
    COLLOQUY_STORE_URL=sqlite:////data/colloquy.db

USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080

HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"COLLOQUY_PORT\"]}/health', timeout=4)"]

CMD ["colloquy", "serve"]
