
Ñ
Ú

env
lab

	host.name
dev-laptop-01
!
telemetry.sdk.version
0.31.0

service.version	
0.169.0
"
service.name
codex-app-server
 
telemetry.sdk.language
rust
%
telemetry.sdk.name
opentelemetryr

codex_otel::metrics::clientQDEBUG*
flushing OTEL metricsY´(9ØQ ëb$event otel/src/metrics/client.rs:324