
Ñ
Ú
 
telemetry.sdk.language
rust

env
lab
!
telemetry.sdk.version
0.31.0
%
telemetry.sdk.name
opentelemetry
"
service.name
codex-app-server

service.version	
0.169.0

	host.name
dev-laptop-01r

codex_otel::metrics::clientQDEBUG*
flushing OTEL metricsYP…i] ëb$event otel/src/metrics/client.rs:324