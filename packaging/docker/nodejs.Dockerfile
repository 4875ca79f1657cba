# Workers that host components for Node.js: the image of Millrace, and what build_nodejs.sh has gathered.
ARG BASE
FROM ${BASE}
COPY root/ /
LABEL org.opencontainers.image.title="millrace-nodejs" \
      org.opencontainers.image.description="Millrace with Node.js: the worker of steps whose component is a program for it."
