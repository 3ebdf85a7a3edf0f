//! DynamoDB (dynoxide, in memory) and S3 (s3s, in a temporary folder) on two free ports of this
//! machine. Prints where they are as one line of JSON, and ends when its standard input does.

use std::error::Error;

use dynoxide::Database;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

/// What clients have to sign with, as the other emulators want it.
const KEY: &str = "test";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let dynamodb = TcpListener::bind("127.0.0.1:0").await?;
    let s3 = TcpListener::bind("127.0.0.1:0").await?;
    println!(
        r#"{{"dynamodb":"http://{}","s3":"http://{}"}}"#,
        dynamodb.local_addr()?,
        s3.local_addr()?
    );
    let folder = tempfile::tempdir()?;
    let mut objects = S3ServiceBuilder::new(
        s3s_fs::FileSystem::new(folder.path()).map_err(|error| format!("{error:?}"))?,
    );
    objects.set_auth(SimpleAuth::from_single(KEY, KEY));
    tokio::spawn(dynoxide::server::serve_on(dynamodb, Database::memory()?));
    tokio::spawn(serve_objects(s3, objects.build()));
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}

async fn serve_objects(listener: TcpListener, service: S3Service) {
    while let Ok((connection, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            let connection = TokioIo::new(connection);
            // A client that goes away is no fault of the server.
            let _ = server.serve_connection(connection, service).await;
        });
    }
}
