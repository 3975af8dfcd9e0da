# The app, the scheduler and the workers: one image, so that every process has the same versions.
FROM python:3.11.14-slim-trixie
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu -r requirements.txt
COPY . .
RUN useradd --create-home app && mkdir /data && chown app /data
USER app
ENV RNNAPP_HOME=/data PYTHONPATH=/app OMP_NUM_THREADS=1
EXPOSE 8501
CMD ["python", "-m", "streamlit", "run", "app.py", "--server.headless=true", "--server.address=0.0.0.0"]
