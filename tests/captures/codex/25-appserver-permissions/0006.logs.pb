
Ñ
Ú
 
telemetry.sdk.language
rust

service.version	
0.169.0
%
telemetry.sdk.name
opentelemetry
"
service.name
codex-app-server
!
telemetry.sdk.version
0.31.0

	host.name
dev-laptop-01

env
labr

codex_otel::metrics::clientQDEBUG*
flushing OTEL metricsY¥ñÚ}` ëb$event otel/src/metrics/client.rs:324