//! Standard output and standard error, which may be closed (`2>&1 | head -1`) or full.

use std::fmt::Display;
use std::io::{self, IsTerminal, PipeReader, Read, Write};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::thread;

use anyhow::{Context, Result};
use mi_plot::plain_lines;

/// Writes a line on standard error; if that fails, the line is lost and the work continues. Names
/// of files and commits cannot control the terminal.
pub(crate) fn say(text: impl Display) {
    let text = text.to_string();
    let _ = io::stderr().write_all(format!("{}\n", plain_lines(&text)).as_bytes());
}

/// Writes a text on standard output. A closed pipe is not an error.
pub(crate) fn print(text: impl Display) -> Result<()> {
    let text = text.to_string();
    match io::stdout().write_all(plain_lines(&text).as_bytes()).and_then(|()| io::stdout().flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Prints help, or what is wrong with the arguments. Clap shows arguments unchanged, so it may
/// write colours only if they cannot control the terminal.
pub(crate) fn refuse(error: &clap::Error) -> ExitCode {
    let mut arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    if arguments.all(|argument| mi_plot::plain(&argument) == argument) {
        let _ = error.print();
    } else {
        say(error.render().to_string().trim_end());
    }
    if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

/// Runs a command whose output is all messages.
///
/// Most programs, including cargo and criterion, end if their standard error is closed. Unless it
/// is a terminal, they write to this process, which forwards what it can.
pub(crate) fn status(command: &mut Command) -> io::Result<ExitStatus> {
    if io::stderr().is_terminal() {
        return command.stdout(io::stderr()).stderr(Stdio::inherit()).status();
    }
    let (mut reader, writer) = io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let child = command.spawn();
    // The command holds the writing ends: the pipe ends only when they are dropped.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    pass_on(&mut reader);
    child?.wait()
}

/// Runs a command for its standard output; its messages are treated like those of [`status`].
pub(crate) fn results(command: &mut Command) -> io::Result<(ExitStatus, Vec<u8>)> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    if io::stderr().is_terminal() {
        let result = command.stderr(Stdio::inherit()).output()?;
        return Ok((result.status, result.stdout));
    }
    let (mut reader, writer) = io::pipe()?;
    let child = command.stderr(writer).spawn();
    command.stderr(Stdio::null());
    let child = child?;
    thread::scope(|scope| {
        let messages = thread::Builder::new().spawn_scoped(scope, || pass_on(&mut reader))?;
        let result = child.wait_with_output()?;
        let _ = messages.join();
        Ok((result.status, result.stdout))
    })
}

fn pass_on(reader: &mut PipeReader) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = reader.read(&mut buffer) {
        let _ = io::stderr().write_all(&buffer[..count]);
    }
}
