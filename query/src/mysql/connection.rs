//! One client: login, then commands until it leaves.
//!
//! While a statement runs, the connection also watches for three things: the client closing its side,
//! `KILL`, and the server shutting down. Each drops the statement, which stops its scans and undoes
//! what it wrote.

use std::io::{ErrorKind, Result};
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc;

use super::command_text::command_text;
use super::constants::{capability, command, status};
use super::handshake::{self, CHALLENGE, Login};
use super::packet::{Fields, PacketReader, PacketWriter, put_bytes, put_length};
use super::prepared::PreparedStatements;
use super::result_header::ResultHeaders;
use super::result_set::{self, Form};
use super::{auth, column, infile};
use crate::error::SqlError;
use crate::node::{Interruption, Node};
use crate::session::{Completion, Session, StatementResult};
use crate::statement::ParsedStatement;
use crate::types::mysql_column;

/// How long a client may take to log in.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest packet before login.
const LOGIN_BYTES: usize = 64 << 10;

/// A logged-in client.
pub(crate) struct Connection {
    reader: PacketReader,
    writer: PacketWriter<OwnedWriteHalf>,
    session: Session,
    prepared: PreparedStatements,
    headers: ResultHeaders,
    capabilities: u32,
    challenge: [u8; CHALLENGE],
    peer: IpAddr,
    node: Arc<Node>,
}

/// Serves a client until it leaves or breaks the protocol. `Err` is the transport's.
pub(crate) async fn serve(node: Arc<Node>, socket: TcpStream) -> Result<()> {
    socket.set_nodelay(true)?;
    let peer = socket.peer_addr()?.ip().to_canonical();
    let (read, write) = socket.into_split();
    let (reader, writer) = (PacketReader::new(read, LOGIN_BYTES), PacketWriter::new(write));
    let login = Connection::login(node, reader, writer, peer);
    match tokio::time::timeout(LOGIN_TIMEOUT, login).await {
        Ok(Ok(Some(mut connection))) => connection.run().await,
        Ok(Ok(None)) => Ok(()),
        Ok(Err(e)) => Err(e),
        Err(_) => Err(ErrorKind::TimedOut.into()),
    }
}

/// Tells a client that the server has no room for it.
pub(crate) async fn refuse(socket: TcpStream) -> Result<()> {
    let (_read, write) = socket.into_split();
    let mut writer = PacketWriter::new(write);
    write_error(&mut writer, 0, &SqlError::new(1040, "Too many connections"));
    writer.flush().await
}

impl Connection {
    async fn login(
        node: Arc<Node>,
        mut reader: PacketReader,
        mut writer: PacketWriter<OwnedWriteHalf>,
        peer: IpAddr,
    ) -> Result<Option<Self>> {
        let challenge = auth::challenge();
        let mut session = node.session("root", &peer.to_string());
        handshake::greeting(writer.begin(), crate::session::SERVER_VERSION, session.connection_id(), &challenge);
        writer.end();
        writer.flush().await?;
        reader.set_sequence(writer.sequence());
        let Some(payload) = reader.read().await? else { return Ok(None) };
        writer.set_sequence(reader.sequence());
        let Some(login) = handshake::parse_login(&payload) else {
            write_error(&mut writer, 0, &SqlError::new(1043, "Bad handshake"));
            writer.flush().await?;
            return Ok(None);
        };
        session.set_client_found_rows(login.capabilities & capability::FOUND_ROWS != 0);
        let mut connection = Self {
            reader,
            writer,
            session,
            prepared: PreparedStatements::default(),
            headers: ResultHeaders::default(),
            capabilities: login.capabilities,
            challenge,
            peer,
            node,
        };
        match connection.admit(login).await? {
            Some(Ok(())) => {}
            Some(Err(e)) => {
                connection.write_error(&e);
                connection.writer.flush().await?;
                return Ok(None);
            }
            None => return Ok(None),
        }
        connection.write_ok(&Completion::default(), false);
        connection.writer.flush().await?;
        Ok(Some(connection))
    }

    /// Checks who logs in, asking for another proof if the one given cannot be checked. `None`: the client
    /// left.
    async fn admit(&mut self, mut login: Login) -> Result<Option<crate::error::Result<()>>> {
        if let Err(e) = self.session.learn_definitions().await {
            return Ok(Some(Err(e)));
        }
        let account = auth::account(&self.node.group().catalog(), &login.user, self.peer);
        if auth::needs_other_method(&login, account.as_deref()) {
            handshake::switch_method(self.writer.begin(), &self.challenge);
            self.writer.end();
            self.writer.flush().await?;
            self.reader.set_sequence(self.writer.sequence());
            let Some(proof) = self.reader.read().await? else { return Ok(None) };
            self.writer.set_sequence(self.reader.sequence());
            login.proof = proof;
        }
        let account = match auth::authenticate(&login, account, self.peer, &self.challenge) {
            Ok(account) => account,
            Err(e) => return Ok(Some(Err(e))),
        };
        self.session.log_in(&account, &login.user);
        match &login.database {
            Some(database) => Ok(Some(self.session.use_database(database).await)),
            None => Ok(Some(Ok(()))),
        }
    }

    async fn run(&mut self) -> Result<()> {
        loop {
            self.session.command_finished();
            self.reader.set_limit(self.session.max_allowed_packet());
            self.reader.reset_sequence();
            let mut interruption = self.session.interruption();
            let payload = tokio::select! {
                payload = tokio::time::timeout(self.session.idle_timeout(), self.reader.read()) => payload,
                () = interruption.connection_ended() => return Ok(()),
            };
            let payload = match payload {
                Ok(Ok(Some(payload))) => payload,
                Ok(Ok(None)) | Err(_) => return Ok(()),
                Ok(Err(e)) => return self.close_after(e).await,
            };
            self.writer.set_sequence(self.reader.sequence());
            let Some((&code, body)) = payload.split_first() else {
                self.write_error(&SqlError::new(1835, "Malformed communication packet"));
                return self.writer.flush().await;
            };
            if code == command::QUIT {
                return Ok(());
            }
            let go_on = self.command(code, body).await?;
            self.writer.flush().await?;
            if !go_on {
                return Ok(());
            }
        }
    }

    /// A client that broke the framing is told so, where MySQL has a code for it, before it is left.
    async fn close_after(&mut self, e: std::io::Error) -> Result<()> {
        self.writer.set_sequence(self.reader.sequence());
        match e.kind() {
            ErrorKind::FileTooLarge => {
                self.write_error(&SqlError::new(1153, "Got a packet bigger than 'max_allowed_packet' bytes"));
            }
            ErrorKind::InvalidData => self.write_error(&SqlError::new(1156, "Got packets out of order")),
            _ => return Err(e),
        }
        self.writer.flush().await?;
        Err(e)
    }

    /// Answers one command. False: the connection is over.
    async fn command(&mut self, code: u8, body: &[u8]) -> Result<bool> {
        match code {
            command::QUERY => match command_text(body) {
                Ok(sql) => return self.query(&sql).await,
                Err(e) => self.write_error(&e),
            },
            command::STMT_PREPARE => match command_text(body) {
                Ok(sql) => self.prepare(&sql).await,
                Err(e) => self.write_error(&e),
            },
            command::STMT_EXECUTE => return self.execute(body).await,
            // Neither of the next two is answered, even if wrong: the client does not read an answer.
            command::STMT_SEND_LONG_DATA => {
                self.prepared.append(body, self.session.max_allowed_packet());
            }
            command::STMT_CLOSE => self.prepared.close(body),
            command::STMT_RESET => {
                let answer = self.prepared.reset(body);
                self.answer(answer);
            }
            command::INIT_DB => {
                let answer = match command_text(body) {
                    Ok(database) => self.session.use_database(&database).await,
                    Err(e) => Err(e),
                };
                self.answer(answer);
            }
            command::PING => self.answer(Ok(())),
            command::FIELD_LIST => self.field_list(body).await,
            command::STATISTICS => {
                let text = self.node.statistics_line();
                self.writer.begin().extend_from_slice(text.as_bytes());
                self.writer.end();
            }
            command::PROCESS_KILL => {
                let answer = match Fields(body).u32() {
                    Some(id) => self.node.connections().kill(id, false),
                    None => Err(malformed()),
                };
                self.answer(answer);
            }
            command::SET_OPTION => match Fields(body).u16() {
                Some(off) => {
                    let bit = capability::MULTI_STATEMENTS;
                    self.capabilities = if off == 0 { self.capabilities | bit } else { self.capabilities & !bit };
                    self.end_of_fields(0);
                }
                None => self.write_error(&malformed()),
            },
            command::RESET_CONNECTION => {
                self.prepared = PreparedStatements::default();
                self.session.reset().await;
                self.answer(Ok(()));
            }
            command::CHANGE_USER => return self.change_user(body).await,
            _ => self.write_error(&SqlError::new(1047, "Unknown command")),
        }
        Ok(true)
    }

    async fn query(&mut self, sql: &str) -> Result<bool> {
        let statements = match self.session.parse(sql) {
            Ok(statements) => statements,
            Err(e) => {
                self.write_error(&e);
                return Ok(true);
            }
        };
        let multi = self.capabilities & capability::MULTI_STATEMENTS != 0;
        if let (false, Some(second)) = (multi, statements.get(1)) {
            self.write_error(&SqlError::parse(&second.text, 1));
            return Ok(true);
        }
        let count = statements.len();
        for (i, statement) in statements.iter().enumerate() {
            let more = i + 1 < count;
            if let Some(file) = statement.local_file() {
                match self.load_file(statement, file, more).await? {
                    Some(true) => continue,
                    Some(false) => return Ok(true),
                    None => return Ok(false),
                }
            }
            let Self { reader, writer, session, headers, capabilities, .. } = self;
            let mut interruption = session.interruption();
            let outcome = {
                let work = pin!(async {
                    let result = session.run(statement, &[]).await;
                    let ok = result.is_ok();
                    send(writer, session, headers, *capabilities, Form::Text, result, more).await.map(|sent| sent && ok)
                });
                watch(work, reader, &mut interruption).await
            };
            match outcome {
                Outcome::Done(Ok(true)) => {}
                Outcome::Done(Ok(false)) => return Ok(true),
                Outcome::Done(Err(e)) => return Err(e),
                Outcome::Interrupted => return self.interrupted().await,
                Outcome::Ended => return Ok(false),
            }
        }
        if count == 0 {
            self.write_error(&SqlError::empty_query());
        }
        Ok(true)
    }

    /// Runs a `LOAD DATA LOCAL`. False if it failed, `None` if the client left.
    async fn load_file(&mut self, statement: &ParsedStatement, file: &str, more: bool) -> Result<Option<bool>> {
        let Self { reader, writer, session, headers, capabilities, .. } = self;
        if *capabilities & capability::LOCAL_FILES == 0 || !session.variables.switch("local_infile") {
            self.write_error(&SqlError::local_infile_disabled());
            return Ok(Some(false));
        }
        infile::ask(writer, file).await?;
        reader.set_sequence(writer.sequence());
        let (pieces, received) = mpsc::channel(infile::PACKETS_AHEAD);
        session.infile = Some(received);
        let mut interruption = session.interruption();
        let work = async {
            let result = tokio::select! {
                biased;
                result = session.run(statement, &[]) => Some(result),
                () = interruption.query_ended() => None,
            };
            // If it failed before it looked at the file, nobody will.
            session.infile = None;
            match result {
                Some(result) => result,
                None => {
                    session.abandon_statement().await;
                    Err(SqlError::interrupted())
                }
            }
        };
        let (here, result) = tokio::join!(infile::receive(reader, pieces), work);
        if !here? {
            return Ok(None);
        }
        writer.set_sequence(reader.sequence());
        let ok = result.is_ok();
        let sent = send(writer, session, headers, *capabilities, Form::Text, result, more).await?;
        Ok(Some(sent && ok))
    }

    async fn execute(&mut self, body: &[u8]) -> Result<bool> {
        let Self { reader, writer, session, prepared, headers, capabilities, .. } = self;
        let (statement, parameters) = match prepared.bind(body) {
            Ok(bound) => bound,
            Err(e) => {
                self.write_error(&e);
                return Ok(true);
            }
        };
        let mut interruption = session.interruption();
        let outcome = {
            let work = pin!(async {
                let result = session.run(statement, &parameters).await;
                send(writer, session, headers, *capabilities, Form::Binary, result, false).await
            });
            watch(work, reader, &mut interruption).await
        };
        match outcome {
            Outcome::Done(done) => done.map(|_| true),
            Outcome::Interrupted => self.interrupted().await,
            Outcome::Ended => Ok(false),
        }
    }

    async fn interrupted(&mut self) -> Result<bool> {
        self.session.abandon_statement().await;
        self.write_error(&SqlError::interrupted());
        Ok(true)
    }

    async fn prepare(&mut self, sql: &str) {
        if let Err(e) = self.session.learn_definitions().await {
            return self.write_error(&e);
        }
        let prepared = match self.session.prepare(sql) {
            Ok(statement) => {
                let schema = self.session.describe(&statement).await;
                self.prepared.add(statement).map(|(id, parameters)| (id, parameters, schema))
            }
            Err(e) => Err(e),
        };
        let (id, parameters, schema) = match prepared {
            Ok(prepared) => prepared,
            Err(e) => return self.write_error(&e),
        };
        let columns: Vec<_> = schema.iter().flat_map(|s| s.fields()).map(|field| mysql_column(field)).collect();
        let out = self.writer.begin();
        out.push(0);
        out.extend_from_slice(&id.to_le_bytes());
        out.extend_from_slice(&(columns.len() as u16).to_le_bytes());
        out.extend_from_slice(&(parameters as u16).to_le_bytes());
        out.extend_from_slice(&[0; 3]);
        self.writer.end();
        if parameters > 0 {
            let parameter = column::parameter();
            for _ in 0..parameters {
                column::write_definition(&parameter, self.writer.begin());
                self.writer.end();
            }
            self.end_of_definitions();
        }
        if !columns.is_empty() {
            for column in &columns {
                column::write_definition(column, self.writer.begin());
                self.writer.end();
            }
            self.end_of_definitions();
        }
    }

    async fn field_list(&mut self, body: &[u8]) {
        let table = Fields(body).until_zero().map(|t| String::from_utf8_lossy(t).into_owned());
        let Some(table) = table else { return self.write_error(&malformed()) };
        if let Err(e) = self.session.learn_definitions().await {
            return self.write_error(&e);
        }
        match self.session.table_schema(&table) {
            Ok(schema) => {
                for field in schema.fields() {
                    let out = self.writer.begin();
                    column::write_definition(&mysql_column(field), out);
                    out.push(0xFB);
                    self.writer.end();
                }
                self.end_of_fields(0);
            }
            Err(e) => self.write_error(&e),
        }
    }

    async fn change_user(&mut self, body: &[u8]) -> Result<bool> {
        let Some(login) = handshake::parse_change_user(body, self.capabilities) else {
            self.write_error(&malformed());
            return Ok(false);
        };
        self.prepared = PreparedStatements::default();
        self.session.reset().await;
        let Some(admitted) = self.admit(login).await? else { return Ok(false) };
        let go_on = admitted.is_ok();
        self.answer(admitted);
        Ok(go_on)
    }

    fn answer(&mut self, result: crate::error::Result<()>) {
        match result {
            Ok(()) => self.write_ok(&Completion::default(), false),
            Err(e) => self.write_error(&e),
        }
    }

    fn write_ok(&mut self, completion: &Completion, more: bool) {
        write_ok(&mut self.writer, &self.session, completion, more);
    }

    fn write_error(&mut self, e: &SqlError) {
        write_error(&mut self.writer, self.capabilities, e);
    }

    fn end_of_definitions(&mut self) {
        if self.capabilities & capability::DEPRECATE_EOF == 0 {
            self.end_of_fields(0);
        }
    }

    fn end_of_fields(&mut self, extra: u16) {
        result_set::write_eof(&mut self.writer, 0, session_status(&self.session) | extra);
    }
}

/// How a watched statement ended.
enum Outcome<T> {
    Done(T),
    /// `KILL QUERY`.
    Interrupted,
    /// The client went away, `KILL`, or shutdown.
    Ended,
}

/// Runs `work`, which is pinned because it is large: to hand it over would copy all of it.
async fn watch<T>(
    work: Pin<&mut impl Future<Output = T>>,
    reader: &mut PacketReader,
    interruption: &mut Interruption,
) -> Outcome<T> {
    let mut queries = interruption.clone();
    tokio::select! {
        biased;
        done = work => Outcome::Done(done),
        () = queries.query_ended() => Outcome::Interrupted,
        () = interruption.connection_ended() => Outcome::Ended,
        () = reader.closed() => Outcome::Ended,
    }
}

/// Sends a statement's result. False if it was, or became, an error.
async fn send(
    writer: &mut PacketWriter<OwnedWriteHalf>,
    session: &mut Session,
    headers: &mut ResultHeaders,
    capabilities: u32,
    form: Form,
    result: crate::error::Result<StatementResult>,
    more: bool,
) -> Result<bool> {
    match result {
        Ok(StatementResult::Ok(completion)) => write_ok(writer, session, &completion, more),
        Ok(StatementResult::Rows(rows)) => {
            let flags = session_status(session) | if more { status::MORE_RESULTS } else { 0 };
            let header = headers.of(&rows.schema, session.time_zone());
            match result_set::write(writer, rows, &header, form, capabilities, flags, session.warning_count()).await? {
                Ok(count) => session.rows_sent(count),
                Err(e) => {
                    let e = session.note_error(e);
                    write_error(writer, capabilities, &e);
                    return Ok(false);
                }
            }
        }
        Err(e) => {
            write_error(writer, capabilities, &e);
            return Ok(false);
        }
    }
    Ok(true)
}

fn write_ok(writer: &mut PacketWriter<OwnedWriteHalf>, session: &Session, completion: &Completion, more: bool) {
    let flags = session_status(session) | if more { status::MORE_RESULTS } else { 0 };
    let out = writer.begin();
    out.push(0);
    put_length(out, completion.affected);
    put_length(out, completion.last_insert_id);
    out.extend_from_slice(&flags.to_le_bytes());
    out.extend_from_slice(&completion.warnings.to_le_bytes());
    // The documentation says that the rest of the packet is the text; clients expect its length first.
    if !completion.info.is_empty() {
        put_bytes(out, completion.info.as_bytes());
    }
    writer.end();
}

fn write_error(writer: &mut PacketWriter<OwnedWriteHalf>, capabilities: u32, e: &SqlError) {
    let out = writer.begin();
    out.push(0xFF);
    out.extend_from_slice(&e.code.to_le_bytes());
    // Before login nothing is agreed on yet, and the state is left out.
    if capabilities != 0 {
        out.push(b'#');
        out.extend_from_slice(e.state.as_bytes());
    }
    out.extend_from_slice(e.message.as_bytes());
    writer.end();
}

fn session_status(session: &Session) -> u16 {
    let mut flags = 0;
    if session.autocommit() {
        flags |= status::AUTOCOMMIT;
    }
    if session.in_transaction() {
        flags |= status::IN_TRANSACTION;
    }
    flags
}

pub(super) fn malformed() -> SqlError {
    SqlError::new(1835, "Malformed communication packet")
}
