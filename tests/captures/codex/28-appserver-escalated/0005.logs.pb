
Ñ
Ú
%
telemetry.sdk.name
opentelemetry
 
telemetry.sdk.language
rust
"
service.name
codex-app-server

service.version	
0.169.0

env
lab
!
telemetry.sdk.version
0.31.0

	host.name
dev-laptop-01r

codex_otel::metrics::clientQDEBUG*
flushing OTEL metricsYë¯ÿïd ëb$event otel/src/metrics/client.rs:324