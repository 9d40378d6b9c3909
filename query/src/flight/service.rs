//! Statements over Flight SQL.
//!
//! A ticket is the statement itself, and each statement runs in a session of its own that commits at
//! once, so the server keeps nothing between calls. The metadata header `database` names the database
//! (`test` is meant without it), and `authorization` the account.

use std::pin::Pin;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult,
    CommandPreparedStatementQuery, CommandPreparedStatementUpdate, CommandStatementQuery, CommandStatementUpdate,
    ProstMessageExt, SqlInfo, TicketStatementQuery,
};
use arrow_flight::{
    Action, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest, HandshakeResponse, IpcMessage, SchemaAsIpc,
    Ticket,
};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use prost::Message;
use tonic::{Request, Response, Status, Streaming};

use super::login;
use crate::error::SqlError;
use crate::node::Node;
use crate::session::{Session, StatementResult};

/// The Flight SQL service of a node.
pub(super) struct Service {
    node: Arc<Node>,
}

type DoGet = <Service as FlightService>::DoGetStream;

impl Service {
    /// Of this node.
    pub(super) fn new(node: Arc<Node>) -> Self {
        Self { node }
    }

    async fn session<T>(&self, request: &Request<T>) -> Result<Session, Status> {
        let metadata = request.metadata();
        self.node.group().learn_definitions().await.map_err(|e| status(e.into()))?;
        let mut session = login::session(&self.node, metadata, request.remote_addr()).map_err(status)?;
        let database = metadata.get("database").and_then(|v| v.to_str().ok()).unwrap_or("test");
        session.use_database(database).await.map_err(status)?;
        Ok(session)
    }

    async fn schema<T>(&self, request: &Request<T>, sql: &str) -> Result<SchemaRef, Status> {
        let mut session = self.session(request).await?;
        let statement = session.prepare(sql).map_err(status)?;
        Ok(session.describe(&statement).await.unwrap_or_else(|| Arc::new(Schema::empty())))
    }

    async fn rows<T>(&self, request: &Request<T>, sql: &str) -> Result<Response<DoGet>, Status> {
        let mut session = self.session(request).await?;
        let statement = session.prepare(sql).map_err(status)?;
        let rows = match session.run(&statement, &[]).await.map_err(status)? {
            StatementResult::Rows(rows) => rows,
            StatementResult::Ok(_) => return Err(Status::invalid_argument("the statement has no result")),
        };
        let schema = rows.schema.clone();
        let batches = rows.stream.map_err(move |e| {
            // The session lives as long as its rows are read.
            let _session = &session;
            FlightError::Tonic(Box::new(status(e.into())))
        });
        let data = FlightDataEncoderBuilder::new().with_schema(schema).build(batches).map_err(Status::from);
        Ok(Response::new(Box::pin(data)))
    }

    async fn update<T>(&self, request: &Request<T>, sql: &str) -> Result<i64, Status> {
        let mut session = self.session(request).await?;
        let statement = session.prepare(sql).map_err(status)?;
        let result = session.run(&statement, &[]).await.map_err(status)?;
        let affected = result.completion().map_or(0, |c| c.affected);
        Ok(i64::try_from(affected).unwrap_or(i64::MAX))
    }

    async fn info(&self, request: Request<FlightDescriptor>, sql: &str) -> Result<Response<FlightInfo>, Status> {
        let schema = self.schema(&request, sql).await?;
        let handle = TicketStatementQuery { statement_handle: Bytes::copy_from_slice(sql.as_bytes()) };
        let ticket = Ticket { ticket: handle.as_any().encode_to_vec().into() };
        let info = FlightInfo::new()
            .try_with_schema(&schema)
            .map_err(|e| Status::internal(e.to_string()))?
            .with_endpoint(FlightEndpoint::new().with_ticket(ticket))
            .with_descriptor(request.into_inner());
        Ok(Response::new(info))
    }
}

#[tonic::async_trait]
impl FlightSqlService for Service {
    type FlightService = Self;

    async fn do_handshake(
        &self,
        _: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>>, Status> {
        // Every call brings its account with it: there is nothing to remember.
        let answer = HandshakeResponse { protocol_version: 0, payload: Bytes::new() };
        Ok(Response::new(stream::iter([Ok(answer)]).boxed()))
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.info(request, &query.query).await
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let sql = sql_of(&query.prepared_statement_handle)?;
        self.info(request, &sql).await
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<DoGet>, Status> {
        let sql = sql_of(&ticket.statement_handle)?;
        self.rows(&request, &sql).await
    }

    async fn do_get_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<DoGet>, Status> {
        let sql = sql_of(&query.prepared_statement_handle)?;
        self.rows(&request, &sql).await
    }

    async fn do_put_statement_update(
        &self,
        update: CommandStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        self.update(&request, &update.query).await
    }

    async fn do_put_prepared_statement_update(
        &self,
        update: CommandPreparedStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        let sql = sql_of(&update.prepared_statement_handle)?;
        self.update(&request, &sql).await
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let schema = self.schema(&request, &query.query).await?;
        let options = IpcWriteOptions::default();
        let message: IpcMessage = SchemaAsIpc::new(&schema, &options)
            .try_into()
            .map_err(|e: arrow::error::ArrowError| Status::internal(e.to_string()))?;
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: query.query.into_bytes().into(),
            dataset_schema: message.0,
            parameter_schema: Bytes::new(),
        })
    }

    async fn do_action_close_prepared_statement(
        &self,
        _: ActionClosePreparedStatementRequest,
        _: Request<Action>,
    ) -> Result<(), Status> {
        // The handle is the statement; the server has kept nothing.
        Ok(())
    }

    async fn register_sql_info(&self, _: i32, _: &SqlInfo) {}
}

fn sql_of(handle: &Bytes) -> Result<String, Status> {
    String::from_utf8(handle.to_vec()).map_err(|_| Status::invalid_argument("the handle is not one of this server's"))
}

/// A client error's nearest gRPC code; the message keeps MySQL's number.
fn status(e: SqlError) -> Status {
    let message = format!("ERROR {} ({}): {}", e.code, e.state, e.message);
    match e.code {
        1045 => Status::unauthenticated(message),
        1049 | 1051 | 1054 | 1146 => Status::not_found(message),
        1007 | 1050 | 1062 => Status::already_exists(message),
        1064 | 1235 | 1264 | 1366 | 1406 => Status::invalid_argument(message),
        1205 | 1213 | 9007 => Status::aborted(message),
        1317 => Status::cancelled(message),
        _ => Status::internal(message),
    }
}
