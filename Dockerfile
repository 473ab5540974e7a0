# The service on CPU, with the released detector: docs/serving.md, "In a container".
# Before `docker build`: dvc pull released

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements-wheel.lock ./
RUN python -m venv /opt/detector \
    && /opt/detector/bin/pip install --no-cache-dir --require-hashes -r requirements-wheel.lock
COPY pyproject.toml README.md LICENSE params.yaml ./
COPY released/ released/
COPY src/ src/
RUN /opt/detector/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 10001 detector
COPY --from=build /opt/detector /opt/detector
ENV PATH=/opt/detector/bin:$PATH
USER 10001
WORKDIR /home/detector
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860/health')"]
ENTRYPOINT ["deepfake-detector"]
# All addresses of the container; publish the port on 127.0.0.1 of the host.
CMD ["serve", "--host", "0.0.0.0"]
