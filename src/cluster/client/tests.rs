//! What every request through the client carries.

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::*;

#[tokio::test]
async fn the_api_server_learns_who_asks() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
         clusters: [{{name: a, cluster: {{server: 'http://{address}'}}}}]\n\
         users: [{{name: a, user: {{token: t}}}}]\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n"
    );
    let file = std::env::temp_dir().join(format!("tiklb-agent-{}", uuid::Uuid::new_v4()));
    std::fs::write(&file, kubeconfig).unwrap();
    let client = connect(Some(&file)).await.unwrap();
    std::fs::remove_file(file).unwrap();
    let asking = tokio::spawn(async move { client.apiserver_version().await });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = String::new();
    while !head.contains("\r\n\r\n") {
        let mut bytes = [0; 1_024];
        let read = stream.read(&mut bytes).await.unwrap();
        assert!(read > 0, "the connection ended after {head:?}");
        head.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
    }
    asking.abort();
    // `tiklb` before the slash is what managed fields name.
    assert!(head.to_lowercase().contains("\r\nuser-agent: tiklb/"), "{head}");
}
