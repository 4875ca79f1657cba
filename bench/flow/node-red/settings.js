// Node-RED without editor and without sign-in: only its flow.
module.exports = {
  httpAdminRoot: false,
  uiPort: Number(process.env.NODE_RED_PORT),
  uiHost: '127.0.0.1',
  flowFile: process.env.NODE_RED_FLOW,
  telemetry: { enabled: false },
  logging: { console: { level: 'warn', metrics: false, audit: false } },
};
