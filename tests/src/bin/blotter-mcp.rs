//! A small MCP server over standard input and output, for the agents that the tests drive: `echo` and
//! `fail` only read, `delete_all` says that it destroys.

use std::io::{BufRead as _, Write as _, stdin, stdout};

use serde_json::{Value, json};

fn main() -> anyhow::Result<()> {
    let mut out = stdout().lock();
    for line in stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        // A notification has no id and wants no answer.
        let Some(id) = request.get("id") else { continue };
        let method = request.get("method").and_then(Value::as_str).unwrap_or_default();
        let params = request.get("params").unwrap_or(&Value::Null);
        let answer = match answer(method, params) {
            Some(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            None => {
                let error = json!({"code": -32601, "message": "no such method"});
                json!({"jsonrpc": "2.0", "id": id, "error": error})
            }
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(method: &str, params: &Value) -> Option<Value> {
    match method {
        "initialize" => {
            let version = params.get("protocolVersion").cloned().unwrap_or_default();
            let server = json!({"name": "blotter-mcp", "version": "0.1.0"});
            Some(json!({
                "protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server,
            }))
        }
        "tools/list" => Some(json!({"tools": [
            tool("echo", true),
            tool("fail", true),
            tool("delete_all", false),
        ]})),
        "tools/call" => Some(called(params)),
        "ping" => Some(json!({})),
        _ => None,
    }
}

fn tool(name: &str, only_reads: bool) -> Value {
    json!({
        "name": name, "description": name,
        "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}},
        "annotations": {
            "readOnlyHint": only_reads, "destructiveHint": !only_reads, "openWorldHint": false,
        },
    })
}

fn called(params: &Value) -> Value {
    let text = params.pointer("/arguments/text").and_then(Value::as_str).unwrap_or_default();
    let fails = params.get("name").and_then(Value::as_str) == Some("fail");
    json!({"content": [{"type": "text", "text": text}], "isError": fails})
}
