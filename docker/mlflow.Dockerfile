# The tracking server with the driver for PostgreSQL.
FROM python:3.11.14-slim-trixie
RUN pip install --no-cache-dir "mlflow>=3.17,<4" "psycopg2-binary>=2.9,<3" \
    && useradd --create-home mlflow && mkdir /artifacts && chown mlflow /artifacts
USER mlflow
EXPOSE 5000
