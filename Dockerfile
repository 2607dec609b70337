# rag-app with its embedding model made ready: a container needs no network but to Ollama. See docs/how-to/docker.md.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY constraints.txt ./
# the processor's build of torch is a tenth of the size, and the embedding model runs on ONNX Runtime anyhow
RUN python -m venv /opt/rag \
    && /opt/rag/bin/python -m pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu torch==2.13.0
COPY pyproject.toml README.md LICENSE THIRD_PARTY_NOTICES.md ./
COPY ingest ingest
COPY rag_app rag_app
COPY ui ui
COPY sample_docs sample_docs
RUN /opt/rag/bin/python -m pip install --no-cache-dir --constraint constraints.txt .
ENV RAG_DATA_DIR=/tmp/data RAG_MODEL_DIR=/opt/models
RUN /opt/rag/bin/rag-app prepare

FROM python:3.12-slim-bookworm
RUN useradd --create-home --uid 1000 rag && mkdir /data && chown rag /data
COPY --from=build /opt/rag /opt/rag
COPY --from=build --chown=rag /opt/models /opt/models
# 0.0.0.0 is the container's own; rag-app listens there only where people sign in, and compose.yaml publishes it on
# 127.0.0.1 alone
ENV PATH=/opt/rag/bin:$PATH \
    RAG_DATA_DIR=/data/store \
    RAG_MODEL_DIR=/opt/models \
    RAG_HOST=0.0.0.0 \
    XDG_CONFIG_HOME=/data/config \
    PYTHONUNBUFFERED=1
USER rag
WORKDIR /data
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["rag-app", "up", "--no-browser"]
