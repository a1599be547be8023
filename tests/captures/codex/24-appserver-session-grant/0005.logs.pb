
Ñ
Ú
!
telemetry.sdk.version
0.31.0

service.version	
0.169.0
"
service.name
codex-app-server

env
lab

	host.name
dev-laptop-01
%
telemetry.sdk.name
opentelemetry
 
telemetry.sdk.language
rustr

codex_otel::metrics::clientQDEBUG*
flushing OTEL metricsYèyë^ ëb$event otel/src/metrics/client.rs:324