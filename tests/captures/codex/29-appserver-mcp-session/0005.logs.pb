
Ñ
Ú

	host.name
dev-laptop-01

service.version	
0.169.0
 
telemetry.sdk.language
rust
"
service.name
codex-app-server
%
telemetry.sdk.name
opentelemetry
!
telemetry.sdk.version
0.31.0

env
labr

codex_otel::metrics::clientQDEBUG*
flushing OTEL metricsY5òef ëb$event otel/src/metrics/client.rs:324